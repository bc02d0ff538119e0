/** How far planning and applying a repair are, for whoever waits. */

/** How far a repair is: `parked` payments are looked up in the ledger, `payments` read on both sides, `items` applied. */
export interface RepairProgress {
  readonly what: 'parked' | 'payments' | 'items';
  readonly done: number;
  readonly all: number;
}

export interface RepairListener {
  /** At the beginning of each, and after each step of it. */
  onProgress(progress: RepairProgress): void;
}
