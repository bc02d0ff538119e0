// Reads and writes RFC 3339 times in microseconds since 1970, PostgreSQL's resolution.
// Core refuses what Go's RFC 3339 layout refuses: no zone, "+0000", a space instead of T, February 30th.

const layout = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** Microseconds since 1970, or undefined when the text is not an RFC 3339 time with a zone. */
export function parseRfc3339(text: string): number | undefined {
  const match = layout.exec(text);
  if (!match) {
    return undefined;
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const whole = new Date(0);
  whole.setUTCFullYear(year, month - 1, day);
  whole.setUTCHours(hour, minute, second);
  const exists =
    whole.getUTCMonth() === month - 1 && whole.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  const offsetMinutes = zoneMinutes(match[8] ?? 'Z');
  if (!exists || offsetMinutes === undefined) {
    return undefined;
  }
  const micros = Number((match[7] ?? '').slice(0, 6).padEnd(6, '0'));
  return (whole.getTime() - offsetMinutes * 60_000) * 1000 + micros;
}

/** UTC with Z, with as many digits of a second as there are. */
export function formatRfc3339(micros: number): string {
  const milliseconds = Math.floor(micros / 1000);
  const seconds = new Date(milliseconds).toISOString().slice(0, -5);
  const fraction = micros - Math.floor(micros / 1_000_000) * 1_000_000;
  return fraction === 0 ? `${seconds}Z` : `${seconds}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`;
}

function zoneMinutes(zone: string): number | undefined {
  if (zone === 'Z') {
    return 0;
  }
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) {
    return undefined;
  }
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
