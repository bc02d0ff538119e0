/**
 * What is said over one connection, between a driver and PostgreSQL: holds back the driver's first statement until the
 * session is set up, and behind a pooler puts each statement into a transaction that is set up for it alone. Adds no wait for
 * an answer to any statement. Knows messages, no sockets; the driver sees what it would see without it.
 */
import {
  firstValue,
  type Message,
  MessageReader,
  processId,
  queryMessage,
  queryText,
  readError,
  type ServerError,
  transactionStatus,
} from './messages.js';
import { beginPinned, pinSession, type SessionSettings } from './session-settings.js';

export interface ConversationPorts {
  toServer(bytes: Buffer): void;
  toDriver(bytes: Buffer): void;
  /** The first statement may come. */
  onSetUp(isPooled: boolean): void;
  /** The session could not be set up: nothing may be sent over it. */
  onRefused(error: ServerError): void;
  /** Whoever answers is no PostgreSQL. */
  onForeign(): void;
  /** Each answer to the driver that reports a failure. */
  onError(error: ServerError): void;
}

/**
 * What an answer, up to its ReadyForQuery, belongs to. `login` and `statement`: the driver's own. The others are ours:
 * `pin` sets the session up, `begin` opens the driver's own transaction, `prologue` and `commit` are around one statement.
 */
type Exchange = 'login' | 'pin' | 'begin' | 'prologue' | 'statement' | 'commit';

/** PostgreSQL refuses these in a transaction, so they go as they are: `create index concurrently`. */
const OUTSIDE = /^\s*(?:create|drop|reindex)\b.*\bconcurrently\b/is;
const BEGIN = /^\s*begin\b/i;
/** A timeout of the role may be so short that setting up another one takes longer, now and then. */
const PIN_TRIES_MAX = 10;
const QUERY_CANCELED = '57014';
const PROTOCOL_3 = 196_608;
/** What a server sends first: how to log in, why not, a notice, or that it knows an older protocol alone. */
const GREETINGS = 'RENv';

export class Conversation {
  readonly #settings: SessionSettings;
  readonly #ports: ConversationPorts;
  readonly #fromDriver = new MessageReader('client');
  readonly #fromServer = new MessageReader('server');
  readonly #answers: Exchange[] = [];
  #isStarted = false;
  #isGreeted = false;
  #isPooled = false;
  #status = 'I';
  /** The driver is in the middle of a statement's messages. */
  #isSpeaking = false;
  #announcedProcess = 0;
  #heldReady: Buffer | null = null;
  #pinTries = 0;
  #pinned: string | null = null;
  #pinError: ServerError | null = null;

  constructor(settings: SessionSettings, ports: ConversationPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** A statement was sent, or is being sent, whose answer has not come to its end. */
  get isWaiting(): boolean {
    return this.#answers.length > 0 || this.#isSpeaking;
  }

  /** Past login and set-up. */
  get isOpen(): boolean {
    return this.#isStarted && !['login', 'pin'].includes(this.#answers[0] ?? '') && this.#heldReady === null;
  }

  hearDriver(chunk: Buffer): void {
    for (const message of this.#fromDriver.read(chunk)) {
      if (this.#isStarted) this.#speak(message);
      else this.#start(message);
    }
  }

  #start({ bytes }: Message): void {
    this.#isStarted = true;
    // A request to cancel is answered by nothing.
    if (bytes.readUInt32BE(4) === PROTOCOL_3) this.#answers.push('login');
    this.#ports.toServer(bytes);
  }

  hearServer(chunk: Buffer): void {
    if (!this.#isGreeted && !GREETINGS.includes(chunk.toString('latin1', 0, 1))) {
      this.#ports.onForeign();
      return;
    }
    this.#isGreeted = true;
    for (const message of this.#fromServer.read(chunk)) this.#answer(message);
  }

  #speak(message: Message): void {
    const { kind, bytes } = message;
    // Passwords, and the farewell.
    if (kind === 'X' || kind === 'p') {
      this.#ports.toServer(bytes);
      return;
    }
    const ends = kind === 'Q' || kind === 'S';
    const isFirst = !this.#isSpeaking;
    this.#isSpeaking = !ends;
    const text = isFirst && kind === 'Q' ? queryText(message) : '';
    if (!this.#isPooled || this.#status !== 'I' || OUTSIDE.test(text)) {
      if (isFirst) this.#answers.push('statement');
      this.#ports.toServer(bytes);
      return;
    }
    if (BEGIN.test(text)) {
      this.#answers.push('begin');
      this.#ports.toServer(queryMessage(beginPinned(this.#settings)));
      return;
    }
    if (isFirst) {
      this.#answers.push('prologue', 'statement', 'commit');
      this.#ports.toServer(queryMessage(beginPinned(this.#settings)));
    }
    this.#ports.toServer(bytes);
    // After a statement that failed it rolls back.
    if (ends) this.#ports.toServer(queryMessage('commit'));
  }

  #answer(message: Message): void {
    const exchange = this.#answers[0];
    if (exchange === 'pin') this.#answerPin(message);
    else if (exchange === 'prologue') this.#answerPrologue(message);
    else this.#passOn(exchange, message);
  }

  #passOn(exchange: Exchange | undefined, message: Message): void {
    const { kind } = message;
    if (kind === 'K') this.#announcedProcess = processId(message);
    if (kind === 'E') this.#ports.onError(readError(message));
    if (kind === 'Z') this.#endAnswer(exchange, message);
    else if (exchange === 'begin' && !isOfBegin(message)) return;
    else if (exchange === 'commit' && kind !== 'E' && kind !== 'N') return;
    else this.#ports.toDriver(message.bytes);
  }

  #endAnswer(exchange: Exchange | undefined, message: Message): void {
    this.#answers.shift();
    if (exchange === 'login') {
      this.#heldReady = message.bytes;
      this.#pin();
      return;
    }
    // The statement's own end is that of its transaction.
    if (exchange === 'statement' && this.#answers[0] === 'commit') return;
    this.#status = transactionStatus(message);
    this.#ports.toDriver(message.bytes);
  }

  #pin(): void {
    this.#pinTries += 1;
    this.#pinError = null;
    this.#answers.push('pin');
    this.#ports.toServer(queryMessage(pinSession(this.#settings, this.#announcedProcess)));
  }

  #answerPin(message: Message): void {
    if (message.kind === 'D') this.#pinned = firstValue(message);
    if (message.kind === 'E') this.#pinError = readError(message);
    if (message.kind !== 'Z') return;
    this.#answers.shift();
    if (this.#pinError?.code === QUERY_CANCELED && this.#pinTries < PIN_TRIES_MAX) this.#pin();
    else if (this.#pinError !== null) this.#ports.onRefused(this.#pinError);
    else this.#open();
  }

  #open(): void {
    this.#isPooled = this.#pinned !== 't';
    this.#ports.onSetUp(this.#isPooled);
    const held = this.#heldReady;
    this.#heldReady = null;
    if (held !== null) this.#ports.toDriver(held);
  }

  #answerPrologue(message: Message): void {
    if (message.kind === 'E') this.#ports.onRefused(readError(message));
    if (message.kind === 'Z') this.#answers.shift();
  }
}

/** Of the two answers to our begin the driver asked for the first. */
function isOfBegin({ kind, bytes }: Message): boolean {
  return kind === 'E' || (kind === 'C' && bytes.toString('utf8', 5, 10) === 'BEGIN');
}
