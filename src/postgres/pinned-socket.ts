/**
 * The socket of every connection to PostgreSQL, of whichever driver: encrypts, sets the session up before the first
 * statement, and never waits without limit. When a server falls silent or has become read-only, it and all idle ones of
 * the process are closed, so that what comes next goes over new connections: after a fail-over the old ones may stay
 * open for ever.
 */
import { createConnection, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as encrypt } from 'node:tls';
import { SyncError } from '../core/base/errors.js';
import { onAbort } from '../core/base/on-abort.js';
import type { Encryption } from '../core/settings/database-address.js';
import { Conversation } from './conversation.js';
import type { ServerError } from './messages.js';
import { givenUp, notPostgres, PostgresConnectionFault, PostgresRefusal } from './refusal.js';
import type { SessionSettings } from './session-settings.js';

export interface SocketTarget {
  /** Beginning with `/`: the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly encryption: Encryption;
}

export interface PinnedSocketOptions {
  readonly target: SocketTarget;
  readonly settings: SessionSettings;
  /** Longer than PostgreSQL itself lets a statement work, so that it can say so. Zero: as long as it takes. */
  readonly silenceMs: number;
  /** All connections of this process to one server, of whichever pool. */
  readonly siblings: Set<PinnedSocket>;
  /** Aborted: it ends at once. */
  readonly giveUp: AbortSignal | undefined;
  /** Before the first statement. */
  onSetUp(isPooled: boolean): void;
}

/** When a server has fallen silent for one, others that wait for it already get so long to hear something. */
const SUSPECT_MS = 5_000;
/** The kernel checks after so long whether the other side is there, and gives up ten seconds later. */
const KEEP_ALIVE_MS = 10_000;
/** A length, and the number that requests encryption: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');
const READ_ONLY = '25006';
/** Said when a transaction that shall write is begun on a server that is recovering. */
const NOT_SUPPORTED = '0A000';

type Done = (error?: Error | null) => void;

export class PinnedSocket extends Duplex {
  /** Drivers name them in what they say of a connection. */
  readonly host: string;
  readonly port: number;
  readonly #options: PinnedSocketOptions;
  readonly #conversation: Conversation;
  #inner: Socket | null = null;
  #isConnected = false;
  #endGivingUp = (): void => {};
  #isCondemned = false;
  /** Until it hears something. */
  #isSuspect = false;
  #waiting: { readonly chunk: Buffer; readonly done: Done } | null = null;
  #silence: NodeJS.Timeout | null = null;
  /** What the driver is told at once, when a chunk has been read to its end: it answers while it is told. */
  #heard: Buffer[] = [];

  constructor(options: PinnedSocketOptions) {
    // Drivers ask a socket's `close` whether it came by an error, which a plain stream does not say.
    super({ emitClose: false, decodeStrings: true });
    this.#options = options;
    this.host = options.target.host;
    this.port = options.target.port;
    this.#conversation = new Conversation(options.settings, {
      toServer: (bytes) => this.#inner?.write(bytes),
      toDriver: (bytes) => this.#heard.push(bytes),
      onSetUp: (isPooled) => options.onSetUp(isPooled),
      onRefused: (error) => this.#refused(error),
      onForeign: () => this.destroy(notPostgres('strange')),
      onError: ({ code }) => {
        if (code === READ_ONLY) this.#isCondemned = true;
      },
    });
    options.siblings.add(this);
  }

  /** Node's sockets have it, and drivers read it: an ended one is `closed`. */
  get readyState(): 'open' | 'closed' {
    return this.destroyed ? 'closed' : 'open';
  }

  /** Where to is known already; drivers say it once more. */
  connect(): this {
    const { host, port, encryption } = this.#options.target;
    const plain = host.startsWith('/')
      ? createConnection(`${host}/.s.PGSQL.${port}`)
      : createConnection({ host, port, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, noDelay: true });
    this.#inner = plain;
    this.#endWith(plain);
    // Not before the driver listens for it.
    this.#endGivingUp = onAbort(this.#options.giveUp, () => void setImmediate(() => this.destroy(givenUp())));
    plain.once('connect', () => {
      if (encryption === 'none') return this.#connected(plain);
      plain.write(SSL_REQUEST);
      plain.once('data', (answer) => this.#encrypt(plain, answer));
    });
    return this;
  }

  /** Set already. */
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    this.#inner?.ref();
    return this;
  }

  unref(): this {
    this.#inner?.unref();
    return this;
  }

  /** A farewell is for somebody who listens already. */
  override end(...values: unknown[]): this {
    if (!this.#conversation.isOpen) return this.destroy();
    return Reflect.apply(super.end, this, values);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (!this.#isConnected) {
      this.#waiting = { chunk, done };
      return;
    }
    // A statement is several messages: a write of its own for each would wake the server as often.
    this.#inner?.cork();
    this.#conversation.hearDriver(chunk);
    this.#inner?.uncork();
    if (!this.#isSuspect) this.#watch();
    done();
  }

  override _read(): void {
    this.#inner?.resume();
  }

  override _final(done: Done): void {
    this.#inner?.end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#options.siblings.delete(this);
    this.#endGivingUp();
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#inner?.destroy();
    done(error);
    // Behind the error itself.
    setImmediate(() => this.emit('close', error !== null));
  }

  #endWith(socket: Socket): void {
    socket.on('error', (error) => this.destroy(new PostgresConnectionFault(error)));
    // Without an error drivers connect again at once, for ever, as long as nobody was let in.
    socket.on('close', () => this.destroy(this.#conversation.isOpen ? undefined : notPostgres('closes')));
  }

  #encrypt(plain: Socket, answer: Buffer): void {
    if (answer.toString() !== 'S') {
      const isRefusal = /^[NE]/.test(answer.toString('latin1'));
      this.destroy(
        isRefusal ? new PostgresRefusal('encryption', 'The server does not encrypt') : notPostgres('strange'),
      );
      return;
    }
    const { host, encryption } = this.#options.target;
    const secure = encrypt({
      socket: plain,
      host,
      rejectUnauthorized: encryption === 'checked',
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    this.#inner = secure;
    this.#endWith(secure);
    secure.once('secureConnect', () => this.#connected(secure));
  }

  #connected(inner: Socket): void {
    this.#isConnected = true;
    inner.on('data', (chunk: Buffer) => this.#hear(inner, chunk));
    this.emit('connect');
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) this._write(waiting.chunk, 'utf8', waiting.done);
  }

  #hear(inner: Socket, chunk: Buffer): void {
    this.#isSuspect = false;
    this.#conversation.hearServer(chunk);
    const heard = this.#heard;
    this.#heard = [];
    if (this.destroyed) return;
    if (heard.length > 0) this.push(heard.length === 1 ? heard[0] : Buffer.concat(heard));
    if (this.readableLength >= this.readableHighWaterMark) inner.pause();
    this.#watch();
    if (this.#isCondemned && !this.#conversation.isWaiting) this.#leaveServer();
  }

  /** Each word of the server begins the time anew: long answers are none that fail to come. */
  #watch(): void {
    const { silenceMs } = this.#options;
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
    if (silenceMs === 0 || !this.#conversation.isOpen || !this.#conversation.isWaiting) return;
    this.#waitUntilSilent(silenceMs);
  }

  #waitUntilSilent(ms: number): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      // A process that was busy for so long has not read yet what came in meanwhile.
      const read = this.#inner?.bytesRead;
      setImmediate(() => {
        if (this.#inner?.bytesRead === read) this.#leaveServer(silent(ms));
      });
    }, ms);
  }

  /**
   * Of a server that became read-only, those at work find out by themselves. Of a silent one they would one after the other,
   * each after its whole time; one that is only slow and is left too early is asked again, as with any lost connection.
   */
  #leaveServer(error?: Error): void {
    for (const brother of [...this.#options.siblings]) {
      if (brother === this || !brother.#conversation.isOpen) continue;
      if (!brother.#conversation.isWaiting) brother.destroy();
      else if (error !== undefined && brother.#options.silenceMs !== 0) brother.#suspect();
    }
    this.destroy(error);
  }

  #suspect(): void {
    if (this.#isSuspect) return;
    this.#isSuspect = true;
    this.#waitUntilSilent(SUSPECT_MS);
  }

  #refused(error: ServerError): void {
    if ([READ_ONLY, NOT_SUPPORTED].includes(error.code))
      this.#leaveServer(new PostgresRefusal(READ_ONLY, error.message));
    else this.destroy(new PostgresRefusal(error.code, error.message));
  }
}

function silent(silenceMs: number): SyncError {
  return new SyncError(
    `The database did not answer for ${silenceMs / 1_000} s; it is asked again over a new connection`,
    { kind: 'transient', code: 'database_unreachable' },
  );
}
