/** What the commands that run processes take from the command line, and how what they open is closed. */
import { describe, expect, it } from 'vitest';
import { closeAfterFault, closeInReverse } from '../../src/app/home.js';
import { buildCommandLine, runCommandLine } from '../../src/cli/command-line.js';
import { addProcessCommands } from '../../src/cli/worker.js';
import { describeError } from '../../src/core/base/errors.js';
import { createLog } from '../../src/observability/log.js';
import { recordEnvironment } from '../support/recorded-environment.js';

async function demo(words: readonly string[]) {
  const asked: unknown[] = [];
  const { environment, outcome } = recordEnvironment();
  const program = buildCommandLine(environment, async () => {});
  addProcessCommands(program, {
    worker: async () => {},
    serve: async () => {},
    health: async () => {},
    migrate: async () => {},
    demo: async (options) => {
      asked.push(options);
    },
  });
  await runCommandLine(program, environment, ['demo', ...words]);
  return { asked, ...outcome() };
}

describe('demo --payments', () => {
  it.each(['abc', '0', '-1', '1.5', '1e3', '1000001', ''])('refuses %j before anything starts', async (text) => {
    const outcome = await demo(['--payments', text]);
    expect(outcome).toMatchObject({ asked: [], code: 2 });
    expect(outcome.warned).toContain('Allowed: 1 to 1000000.');
  });

  it('takes 1 to 1,000,000, and 3,000 unless told', async () => {
    expect((await demo(['--payments', '1', '--once'])).asked).toEqual([{ once: true, payments: 1 }]);
    expect((await demo(['--payments', '1000000'])).asked).toEqual([{ once: false, payments: 1_000_000 }]);
    expect((await demo([])).asked).toEqual([{ once: false, payments: 600 }]);
  });
});

describe('closing what was opened', () => {
  const closersOf = (order: string[], broken: readonly string[]) =>
    ['server', 'database', 'queue'].map((name) => async () => {
      order.push(name);
      if (broken.includes(name)) throw new Error(`${name} is away`);
    });

  it('closes the rest when one fails, last opened first, and then throws that fault', async () => {
    const order: string[] = [];
    await expect(closeInReverse(closersOf(order, ['queue']))).rejects.toThrow('queue is away');
    expect(order).toEqual(['queue', 'database', 'server']);
  });

  it('prints all faults when several fail', async () => {
    const fault = await closeInReverse(closersOf([], ['queue', 'server'])).catch((error: unknown) => error);
    expect(describeError(fault)).toBe('queue is away; server is away');
  });

  it('closes nothing twice', async () => {
    const order: string[] = [];
    const closers = closersOf(order, []);
    await closeInReverse(closers);
    await closeInReverse(closers);
    expect(order).toHaveLength(3);
  });

  it('never replaces the fault that it closes after', async () => {
    const order: string[] = [];
    await closeAfterFault(() => closeInReverse(closersOf(order, ['queue'])), createLog({ level: 'silent' }));
    expect(order).toEqual(['queue', 'database', 'server']);
  });
});
