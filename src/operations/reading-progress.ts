/** How a long reading of Stripe is told to whoever waits for it. */

export interface ReadingProgress {
  /** Payments so far, in this process. */
  readonly payments: number;
  /** How much of the asked time is read, 0 to 1, and how much of it was when this process began. */
  readonly share: number;
  readonly shareAtBegin: number;
}

export interface ReadingListener {
  /** Everything that may refuse was asked; the first page is asked for next. */
  begin(): void;
  /** After each page. */
  update(progress: ReadingProgress): void;
}
