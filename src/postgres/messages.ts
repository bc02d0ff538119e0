/**
 * PostgreSQL's protocol as far as its frames: where a message begins and ends, and the few that are read or written here.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

/** One message, whole: a byte that names its kind, four of length, and its content. The first of a client has no kind. */
export interface Message {
  readonly kind: string;
  readonly bytes: Buffer;
}

const LENGTH_BYTES = 4;

/** Cuts what comes in into messages; what is not whole yet waits for the rest. */
export class MessageReader {
  #waiting: Buffer[] = [];
  #bytes = 0;
  /** How many have to be there before another try can succeed. */
  #needed = 0;
  /** Bytes of the next message's kind. */
  #kindBytes: 0 | 1;

  constructor(sender: 'client' | 'server') {
    this.#kindBytes = sender === 'client' ? 0 : 1;
  }

  read(chunk: Buffer): Message[] {
    this.#waiting.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return [];
    let rest = this.#waiting.length === 1 ? chunk : Buffer.concat(this.#waiting);
    const messages: Message[] = [];
    for (;;) {
      this.#needed = this.#kindBytes + LENGTH_BYTES;
      if (rest.length < this.#needed) break;
      const size = this.#kindBytes + rest.readUInt32BE(this.#kindBytes);
      this.#needed = size;
      if (rest.length < size) break;
      messages.push({
        kind: this.#kindBytes === 0 ? '' : String.fromCharCode(rest[0] ?? 0),
        bytes: rest.subarray(0, size),
      });
      rest = rest.subarray(size);
      this.#kindBytes = 1;
    }
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    return messages;
  }
}

export function queryMessage(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(1 + LENGTH_BYTES);
  head.write('Q');
  head.writeUInt32BE(LENGTH_BYTES + body.length, 1);
  return Buffer.concat([head, body]);
}

/** The statement of a simple query. */
export function queryText({ bytes }: Message): string {
  return bytes.toString('utf8', 1 + LENGTH_BYTES, bytes.length - 1);
}

/** Of ReadyForQuery: `I` outside of a transaction, `T` in one, `E` in one that failed. */
export function transactionStatus({ bytes }: Message): string {
  return String.fromCharCode(bytes[5] ?? 0);
}

/** Of BackendKeyData. A pooler makes up its own. */
export function processId({ bytes }: Message): number {
  return bytes.readInt32BE(5);
}

/** The first value of a row as text; null when it is none. */
export function firstValue({ bytes }: Message): string | null {
  const length = bytes.readInt32BE(7);
  return length < 0 ? null : bytes.toString('utf8', 11, 11 + length);
}

export interface ServerError {
  readonly severity: string;
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
}

export function readError({ bytes }: Message): ServerError {
  const fields = new Map(
    bytes
      .toString('utf8', 5)
      .split('\0')
      .filter((field) => field !== '')
      .map((field) => [field.slice(0, 1), field.slice(1)] as const),
  );
  return {
    severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
    code: fields.get('C') ?? '',
    message: fields.get('M') ?? '',
  };
}
