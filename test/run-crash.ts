/**
 * `npm run test:crash -- --rounds 500 --seed 1`: the crash suite from any seed. A round that fails says its seed; played
 * alone (`--rounds 1 --seed <it>`) it strikes the same blows. With `--core <url> --core-key <key>` a real Blnk Core takes
 * the place of the stand-in: its faults are left out, the blows stay.
 */
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    core: { type: 'string' },
    'core-key': { type: 'string', default: '' },
  },
});

const [rounds, seed] = [values.rounds, values.seed].map(Number);
if (!Number.isInteger(rounds) || !Number.isInteger(seed) || rounds === undefined || seed === undefined || rounds < 1) {
  throw new RangeError('--rounds and --seed are whole numbers, and there is at least one round');
}
const core = values.core === undefined ? null : { url: values.core.replace(/\/$/, ''), key: values['core-key'] };
const vitest = await startVitest('test', ['test/crash.test.ts'], {
  run: true,
  watch: false,
  provide: { crash: { rounds, seed, core } },
});
await vitest.close();
