/** Composition: `prove`. Proves the days that a person names, keeps each, and tells what came out. */
import { v7 as uuidv7 } from 'uuid';
import { certificateTable, closingSentence, findingLines, shortCertificateTable } from '../cli/certificate-text.js';
import { toJson } from '../cli/json.js';
import type { ProveOptions } from '../cli/prove.js';
import { createProvingView } from '../cli/proving-progress.js';
import { describeFault, SyncError } from '../core/errors.js';
import { isSealed } from '../core/reopening.js';
import { DAY_MS, utcDay } from '../core/window.js';
import { type FullCertificate, readDay } from '../db/reads/certificates.js';
import { proveDays } from '../prove/prove-days.js';
import { daysBetween } from '../prove/schedule.js';
import { refuseOtherMirror } from '../worker/claim-mirror.js';
import type { AppEnvironment } from './command-environment.js';
import { confirmSameLedger } from './confirm-ledger.js';
import { createProver, type ProvingFacts, type ProvingParts, readProvingFacts } from './proving.js';
import { orRefuse } from './refusal.js';
import { identityOf, mirrorOf, type Workbench } from './workbench.js';

/** Without a range: a week of days that are over. */
const DAYS_DEFAULT = 7;

/** Sets the exit code: 0 when all days are sealed, 2 when it was refused, else 1. */
export async function runProve(environment: AppEnvironment, bench: Workbench, options: ProveOptions): Promise<void> {
  const { output } = environment;
  const parts = { home: bench.home, vendors: bench.vendors, lagMs: bench.config.syncLagMs };
  const asked = await orRefuse(environment, async () => {
    const facts = await checkedFacts(bench, parts);
    return { ...facts, days: daysAsked(options, facts) };
  });
  if (asked === null) return;
  const { days, ...facts } = asked.facts;
  const faults: unknown[] = [];
  const view = createProvingView(output);
  const proven = await proveDays(
    createProver(parts, facts),
    days.map((day) => ({ day, trigger: 'manual' })),
    {
      proofId: uuidv7(),
      signal: bench.signal,
      onDay: (day, progress) => view.onDay(day, progress),
      onFailed(_day, error) {
        faults.push(error);
        return 'end';
      },
    },
  ).finally(() => view.stop());
  const rows: FullCertificate[] = [];
  for (const { day } of proven) rows.push(...((await readDay(bench.home.database.db, { day }))?.certificates ?? []));
  const answer = closingSentence(rows);
  if (options.json) {
    output.print(toJson({ answer, asked: days.length, proven: proven.length, certificates: rows }));
  } else {
    const table = options.all ? certificateTable : shortCertificateTable;
    const lines = [...table(rows, output.columns), ...findingLines(rows, output.columns), '', answer];
    for (const line of lines) output.print(line);
  }
  for (const fault of faults) output.warn(describeFault(fault));
  if (proven.length < days.length) output.warn(`${proven.length} of ${days.length} days were proven; run it again.`);
  const allSealed = proven.length === days.length && rows.every(({ state }) => isSealed(state));
  environment.exit(allSealed ? 0 : 1);
}

/** Asks everything that may refuse: a proof against another account or ledger would call every payment missing. */
async function checkedFacts(bench: Workbench, parts: ProvingParts): Promise<ProvingFacts> {
  const { vendors } = bench;
  const mirror = mirrorOf(bench);
  await vendors.checkAccess();
  const { id: accountId } = await vendors.account.readAccount();
  refuseOtherMirror(mirror, identityOf(bench), { accountId });
  await confirmSameLedger({ home: bench.home, vendors, source: mirror.source });
  const facts = await readProvingFacts(parts);
  return facts ?? { mirror, lagMs: parts.lagMs, completeTo: null, now: mirror.startsAt };
}

/** Oldest first. Throws SyncError `days_not_provable` that names what is allowed. */
function daysAsked({ from, to }: ProveOptions, { mirror, now }: ProvingFacts): readonly string[] {
  const [first, today] = [utcDay(mirror.startsAt), utcDay(now)];
  const last = to ?? utcDay(new Date(now.getTime() - DAY_MS));
  const begin = from ?? laterDay(first, utcDay(new Date(Date.parse(last) - (DAYS_DEFAULT - 1) * DAY_MS)));
  if (begin <= last && begin >= first && last <= today) {
    return daysBetween(new Date(`${begin}T00:00:00Z`), new Date(Date.parse(last) + DAY_MS));
  }
  throw new SyncError(
    `The days ${begin} to ${last} cannot be proven. Allowed are days from the mirror's start, ${first}, to today, ${today}, ` +
      'the first one not after the last; name them with --from and --to',
    { kind: 'fatal', code: 'days_not_provable' },
  );
}

function laterDay(a: string, b: string): string {
  return a > b ? a : b;
}
