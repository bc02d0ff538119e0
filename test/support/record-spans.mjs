/**
 * A provider of spans, preloaded into a process in place of an OpenTelemetry SDK: `--import file://…/record-spans.mjs?to=<file>`.
 * Each span that ends is a line of JSON in that file.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';

const file = new URL(import.meta.url).searchParams.get('to');
const storage = new AsyncLocalStorage();
let spans = 0;

context.setGlobalContextManager({
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, work, self, ...given) => storage.run(active, () => work.apply(self, given)),
  bind: (_, target) => target,
  enable() {
    return this;
  },
  disable() {
    return this;
  },
});

function startSpan(name, { attributes = {} } = {}, parent = context.active()) {
  spans += 1;
  const span = {
    name,
    id: spans,
    within: trace.getSpan(parent)?.told.name ?? null,
    attributes: { ...attributes },
    failed: false,
  };
  return {
    told: span,
    spanContext: () => ({ traceId: '0'.repeat(31) + 1, spanId: String(spans).padStart(16, '0'), traceFlags: 1 }),
    isRecording: () => true,
    setAttribute(key, value) {
      span.attributes[key] = value;
      return this;
    },
    setAttributes(more) {
      Object.assign(span.attributes, more);
      return this;
    },
    setStatus({ code }) {
      span.failed = code === 2;
      return this;
    },
    end: () => appendFileSync(file, `${JSON.stringify(span)}\n`),
  };
}

const tracer = {
  startSpan,
  startActiveSpan(name, options, work) {
    const span = startSpan(name, options);
    return context.with(trace.setSpan(context.active(), span), () => work(span));
  },
};

trace.setGlobalTracerProvider({ getTracer: () => tracer });
