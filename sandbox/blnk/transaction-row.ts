// What a transaction is in the store, between the texts of HTTP and the columns of memory.

export type TransactionStatus = 'APPLIED' | 'QUEUED' | 'REJECTED' | 'SCHEDULED' | 'INFLIGHT' | 'VOID';
export type Metadata = Record<string, unknown>;

/** A row as it is stored; balances are numbers of the balance book. */
export interface StoredTransaction {
  transactionId: string;
  reference: string;
  description: string;
  status: TransactionStatus;
  preciseAmount: bigint;
  precision: number;
  currency: string;
  source: number;
  destination: number;
  createdMicros: number;
  effectiveMicros: number | undefined;
  parent: string;
  metadataJson: string;
}

export interface NewTransaction extends Omit<StoredTransaction, 'transactionId' | 'metadataJson'> {
  idNumber: number;
  metadata: Metadata;
}
