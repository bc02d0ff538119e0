/**
 * Spans of what takes time, for whoever preloads an OpenTelemetry SDK (docs/monitoring.md); without one they cost next to nothing. No attribute
 * holds what a customer, a merchant or a key said, and of a fault only its code.
 */
import { type Attributes, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { SyncError } from '../core/base/errors.js';

/** Under which tracing knows this software. */
const TRACER = 'stripe-blnk-sync';

/** @param describe attributes that are known when it is done */
export function inSpan<Result>(
  { name, attributes = {} }: { readonly name: string; readonly attributes?: Attributes },
  work: () => Promise<Result>,
  describe?: (result: Result) => Attributes,
): Promise<Result> {
  // Asked each time: an SDK may be set up after this file was loaded.
  return trace.getTracer(TRACER).startActiveSpan(name, { attributes }, async (span) => {
    try {
      const result = await work();
      if (describe !== undefined && span.isRecording()) span.setAttributes(describe(result));
      return result;
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** To the span that is open now. */
export function addToSpan(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

function markFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', error instanceof SyncError ? error.code : 'unexpected');
  span.setStatus({ code: SpanStatusCode.ERROR });
}
