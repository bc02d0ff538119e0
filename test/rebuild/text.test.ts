/** What a rebuild and a dry run show on the way, and what a rebuild says at its end. */
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { commandEnvironment } from '../../src/app/commands/command-environment.js';
import { createReadingView, progressText } from '../../src/cli/reading-progress.js';
import type { RebuildResult } from '../../src/operations/rebuild.js';
import { beginLines, resultLines } from '../../src/views/rebuild-text.js';

const RESULT: RebuildResult = {
  mirrorId: '0b7a5a1c-6a51-4a5e-9a0e-5c1f6f9d2b11',
  startsAt: new Date('2026-11-01T00:00:00Z'),
  cutoverAt: new Date('2026-11-21T10:00:00Z'),
  complete: true,
  posted: 1_200,
  alreadyThere: 3,
  parked: [],
  dismissed: 0,
  stripeRequests: 14,
  blnkRequests: 20,
  durationMs: 12_000,
};

describe('the end of a rebuild', () => {
  it('prints what was adopted and how to see it proven', () => {
    expect(resultLines(RESULT)).toEqual([
      'adopted                  1,203',
      'of these made by others  3',
      'requests                 14 to Stripe, 20 to Blnk',
      'took                     12s',
      'The mirror is rebuilt, and nothing was posted. Next: start a worker.',
      'To prove every day: stripe-blnk-sync prove --from 2026-11-01',
    ]);
  });

  it('names the commands that decide about what is parked', () => {
    const text = resultLines({ ...RESULT, parked: [{ reason: 'rebuild', count: 2 }] }).join('\n');
    expect(text).toMatch(/parked, rebuild +2\n/);
    expect(text).toContain('parked list --reason rebuild');
    expect(text).toContain('parked retry --reason rebuild');
    expect(text).not.toContain('the others');
    const others = resultLines({ ...RESULT, parked: [{ reason: 'conflict', count: 1 }] }).join('\n');
    expect(others).toMatch(/parked, conflict +1\n[\s\S]*why the others are parked/);
    expect(others).not.toContain('--reason rebuild');
  });

  it('before the end prints that it goes on', () => {
    expect(resultLines({ ...RESULT, complete: false }).at(-1)).toMatch(/^Interrupted .* resumes where it stopped/);
  });

  it('and its begin tell which id the mirror has, and why it is a new one', () => {
    const begin = { ...RESULT, mirrorIdsFound: [RESULT.mirrorId], notLookedUp: null };
    expect(beginLines(begin)[0]).toMatch(
      /^Rebuilding the mirror 0b7a5a1c-.*2026-11-01 00:00:00 to 2026-11-21 10:00:00/,
    );
    expect(beginLines({ ...begin, mirrorIdsFound: null })[0]).toMatch(/^An unfinished rebuild goes on/);
    expect(beginLines({ ...begin, mirrorIdsFound: ['a', 'b'] })[0]).toMatch(/several mirror ids \(a, b\), .* new one/);
    expect(beginLines({ ...begin, notLookedUp: 'The key lacks proxy:read.' })).toEqual([
      ...beginLines(begin),
      expect.stringMatching(/cannot be looked up: The key lacks proxy:read\. If .*BLNK_ACCOUNTS=ledger, do not begin/),
    ]);
  });
});

describe('the way there', () => {
  it('has counts, a rate and the time left, from where this process began', () => {
    expect(progressText({ payments: 1_500, share: 0.75, shareAtBegin: 0.5 }, 10_000)).toBe(
      '1,500 payments read, 150/s, 75% of the time, about 10s left',
    );
    expect(progressText({ payments: 0, share: 0.5, shareAtBegin: 0.5 }, 0)).toBe('0 payments read, 50% of the time');
  });

  it('is one line that is drawn anew on a terminal, and a plain line now and then elsewhere', () => {
    let now = 0;
    const progress = { payments: 100, share: 0.5, shareAtBegin: 0 };
    const drawn: string[] = [];
    const lines: string[] = [];
    const output = { note: (line: string) => void lines.push(line) };
    const terminal = { write: (text: string) => drawn.push(text) > 0 } as unknown as NodeJS.WritableStream;
    const onTerminal = createReadingView({ ...output, errorTerminal: terminal }, () => now);
    const plain = createReadingView({ ...output, errorTerminal: null }, () => now);
    for (now = 10; now <= 5_000; now += 10) {
      onTerminal.update(progress);
      plain.update(progress);
    }
    onTerminal.stop();
    plain.stop();
    expect(drawn.length).toBe(51);
    expect(drawn[0]).toMatch(/^\r.*100 payments read/);
    expect(drawn.at(-1)).toBe('\n');
    expect(lines.length).toBe(1);
  });
});

describe('the question before it', () => {
  const ask = (answer: string | null, { onTerminal }: { readonly onTerminal: boolean }) => {
    const input = Object.assign(new PassThrough(), { isTTY: onTerminal });
    const stopping = new AbortController();
    const environment = commandEnvironment({
      variables: {},
      directory: tmpdir(),
      standardOutput: new PassThrough(),
      standardError: Object.assign(new PassThrough(), { isTTY: onTerminal }) as unknown as NodeJS.WriteStream,
      standardInput: () => input,
      signal: stopping.signal,
      userName: 'test',
      exit: () => {},
    });
    const answered = environment.confirm('Begin?');
    if (answer === null) stopping.abort();
    else if (answer === 'end of input') input.end();
    else input.write(`${answer}\n`);
    return answered;
  };

  it('is put at a terminal only, and only yes is yes', async () => {
    expect(await ask('y', { onTerminal: true })).toBe(true);
    expect(await ask('Yes', { onTerminal: true })).toBe(true);
    for (const answer of ['', 'n', 'yeah']) expect(await ask(answer, { onTerminal: true })).toBe(false);
    expect(await ask('n', { onTerminal: false })).toBe(true);
  });

  it('ends with Ctrl-C or Ctrl-D as a no', async () => {
    expect(await ask(null, { onTerminal: true })).toBe(false);
    expect(await ask('end of input', { onTerminal: true })).toBe(false);
  });
});
