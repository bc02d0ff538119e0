// What was asked of Stripe, and the ids that its answers carry.

import { type LoggedRequest, RequestLog } from '../request-log.js';
import { IdCodec } from './scramble.js';

export interface RequestRecord extends LoggedRequest {
  readonly method: string;
  readonly url: string;
  readonly requestId: string;
}

export class Journal extends RequestLog<RequestRecord> {
  private readonly requestIds = new IdCodec('req_', 0);
  private issued = 0;

  nextRequestId(): string {
    return this.requestIds.encode(this.issued++);
  }
}
