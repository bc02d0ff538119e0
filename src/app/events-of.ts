/** Composition: the events of this process, by its clock. */
import { createEvents, type Events } from '../observability/events.js';
import type { Log } from '../observability/log.js';
import { systemClock } from './system-clock.js';

export function eventsOf(log: Log): Events {
  return createEvents(log, systemClock.monotonicMs);
}
