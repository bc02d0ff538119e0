/**
 * Lets a request to a vendor pass when its limits allow it. A port: the limits are shared by all processes, so they are kept
 * in the database, and whoever sends knows nothing of that.
 */
export interface RequestLimiter<Endpoint extends string = string> {
  /** Settles when one request to `endpoint` may be sent; rejects when `signal` is aborted before that. */
  acquire(endpoint: Endpoint, signal?: AbortSignal): Promise<void>;
}
