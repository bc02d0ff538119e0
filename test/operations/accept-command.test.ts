/** `accept`, from words to what is kept, printed and left with; the proofs are made by hand. */
import { describe, expect, it } from 'vitest';
import type { DayFinding, FindingKind } from '../../src/core/proof/certificate.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { aCertificate, aFinding, proofOf } from '../support/certificates.js';
import { at, insertPosting } from '../support/reads-database.js';
import { openCommandLine, RUN } from '../support/stages/command-line.js';

const { database, command, startWorker } = openCommandLine();

const DAY = '2026-11-18';
const PROVE = `stripe-blnk-sync prove --from ${DAY} --to ${DAY}`;
const row = (reference: string) => ({
  ...{ reference, transactionId: 'txn_1', status: 'APPLIED', amount: '1000', currency: 'USD' },
  ...{ source: 'bln_1', destination: 'bln_2', effectiveDate: null },
});
const doubled: DayFinding = { ...aFinding('doubled', 'pi_1', 'twice'), ledger: [row('pi_1'), row('random-1')] };

async function proven(findings: readonly DayFinding[], day = DAY, findingsCount = findings.length): Promise<void> {
  const store = createCertificateStore(database().db, 'test');
  await store.keepProof(proofOf([aCertificate({ day, state: 'broken', findings, findingsCount })], { day }));
}

const kept = () => database().sql`select * from stripe_blnk_sync.acceptances order by accepted_at`;

describe('accept', () => {
  it('keeps who, when, why and exactly what, and requests the proof of the day at once', async () => {
    await proven([doubled]);
    await startWorker();
    const outcome = await command('accept pi_1 --why meant --by ann');
    expect(outcome).toMatchObject({ code: undefined, warned: '', proofs: 1, woken: [] });
    const { effectiveDate: _not, ...first } = row('pi_1');
    expect(await kept()).toMatchObject([
      {
        ...{ payment_id: 'pi_1', accepted_by: 'ann', accepted_why: 'meant', accepted_at: expect.any(String) },
        differences: [{ kind: 'doubled', stripe: null, ledger: [first, { ...first, reference: 'random-1' }] }],
        ...{ taken_back_at: null, taken_back_by: null, taken_back_why: null },
      },
    ]);
    expect(outcome.printed.replace(/at 2\d{3}-.*? UTC/, 'at … UTC')).toBe(
      [
        'pi_1 is accepted as it is; nothing is posted. Another difference of it is not covered.',
        '',
        `Accepted on the certificates of ${DAY}, at … UTC by ann: meant`,
        '  doubled: pi_1 txn_1 APPLIED 10.00 USD from bln_1 to bln_2; random-1 txn_1 APPLIED 10.00 USD from bln_1 to bln_2',
        '',
        `${DAY} is proven again by a running worker, or now by: ${PROVE}`,
      ].join('\n'),
    );
  });

  it('takes the reference of a row as well, and the user name when nobody is named', async () => {
    await proven([{ ...aFinding('extra', 'pi_9', 'unknown'), ledger: [row('pi_9:r1')] }]);
    const outcome = await command('accept pi_9:r1 --why meant --json');
    expect(JSON.parse(outcome.printed)).toMatchObject({
      accepted: [{ payment_id: 'pi_9', by: 'ada', taken_back_at: null }],
    });
    expect(outcome.warned).toContain('No worker is running');
  });

  it('reports it when it is done already, and keeps one row', async () => {
    await proven([doubled]);
    await command('accept pi_1 --why meant --by ann');
    const again = await command('accept pi_1 --why meant');
    expect(again.printed).toMatch(
      /^already_accepted: pi_1 on 2026-11-18: ann accepted this very difference at .* UTC\.$/,
    );
    expect([again.code, again.proofs, (await kept()).length]).toEqual([undefined, 0, 1]);
  });

  it('takes back what is in force, keeps it in its history, and reports it when there is nothing', async () => {
    await proven([doubled]);
    await command('accept pi_1 --why meant --by ann');
    const back = await command('accept pi_1 --take-back --why mistaken --by bob');
    expect(back).toMatchObject({ code: undefined, proofs: 1 });
    expect(back.printed).toMatch(/ {2}taken back at .* UTC by bob: mistaken/);
    expect(await kept()).toMatchObject([{ accepted_by: 'ann', taken_back_by: 'bob', taken_back_why: 'mistaken' }]);
    const again = await command('accept pi_1 --take-back --why again');
    expect(again.warned).toMatch(
      /^not_accepted: Nothing of pi_1 is accepted: bob took it back at .* UTC\. Nothing was changed\.$/,
    );
    expect([again.code, again.proofs]).toEqual([1, 0]);
    expect((await command('accept pi_7 --take-back --why no')).warned).toBe(
      'not_accepted: Nothing of pi_7 is accepted. Nothing was changed.',
    );
    await command('accept pi_1 --why anew');
    expect((await kept()).map(({ taken_back_at }) => taken_back_at === null)).toEqual([false, true]);
  });

  it('requires the day when several name the payment', async () => {
    await proven([doubled]);
    await proven([doubled], '2026-11-17');
    const which = await command('accept pi_1 --why meant');
    expect([which.code, which.warned]).toEqual([
      1,
      'several_days: pi_1 is named on 2 days: 2026-11-17, 2026-11-18. Say which one: --day 2026-11-17',
    ]);
    await command(`accept pi_1 --why meant --day ${DAY}`);
    expect((await database().sql`select day::text from stripe_blnk_sync.acceptances`).map(({ day }) => day)).toEqual([
      DAY,
    ]);
  });

  it.each<readonly [FindingKind, RegExp]>([
    ['pending', /which cannot be accepted\. It settles by itself/],
    ['parked', /parked retry, or .*parked dismiss/],
    ['not_collected', /It settles by itself/],
    ['dismissed', /sealed with it as an exception already/],
    ['queued', /Blnk has not decided/],
  ])('refuses what is %s, and says what to do', async (kind, says) => {
    await proven([aFinding(kind, 'pi_1')]);
    const outcome = await command('accept pi_1 --why meant');
    expect([outcome.code, outcome.proofs, await kept()]).toEqual([1, 0, []]);
    expect(outcome.warned).toMatch(/^not_acceptable: pi_1 on 2026-11-18 is /);
    expect(outcome.warned).toMatch(says);
    expect(JSON.parse((await command('accept pi_1 --why meant --json')).warned)).toEqual({
      error: { code: 'not_acceptable', kind: 'fatal', message: expect.stringMatching(says) },
    });
  });

  it('refuses what no proof shows, and names which proof to make', async () => {
    const effectiveAt = at(`${DAY}T10:00:00Z`);
    await insertPosting(database().db, {
      reference: 'pi_1',
      firstRun: RUN,
      state: 'posted',
      transactionId: 't',
      effectiveAt,
    });
    const refused = async (words: string) => (await command(words)).warned;
    expect(await refused('accept pi_404 --why meant')).toMatch(
      /no payment here has this reference, and no newest proof/,
    );
    expect(await refused('accept pi_1 --why meant')).toContain(`its day, ${DAY}, was never proven. Prove it: ${PROVE}`);
    await proven([]);
    expect(await refused('accept pi_1 --why meant')).toMatch(
      /the proof of 2026-11-18 .* found no difference of it\. When the/,
    );
    await proven([aFinding('missing', 'pi_2')], DAY, 9_000);
    expect(await refused('accept pi_1 --why meant')).toMatch(/^nothing_to_accept: .*has more findings than it keeps/);
  });

  it('needs a reason, and refuses the name of a plan', async () => {
    expect((await command('accept pi_1')).code).toBe(2);
    expect((await command('accept pi_1 --why meant --by rebuild')).code).toBe(2);
  });

  it('is done when the queue does not answer: a worker finds what is due', async () => {
    await proven([doubled]);
    const proofs = async () => {
      throw new Error('the queue is away');
    };
    const outcome = await command('accept pi_1 --why meant', { proofs });
    expect([outcome.code, (await kept()).length]).toEqual([undefined, 1]);
    expect(outcome.warned).toMatch(/^Done, but the queue could not be told: the queue is away\nYou need not repeat it/);
  });

  it('stands in parked show, with what was taken back', async () => {
    await insertPosting(database().db, { reference: 'pi_1', firstRun: RUN, state: 'posted', transactionId: 'txn_1' });
    await proven([doubled]);
    await command('accept pi_1 --why meant --by ann');
    await command('accept pi_1 --take-back --why mistaken --by bob');
    const shown = await command('parked show pi_1');
    expect(shown.printed).toMatch(new RegExp(`Accepted on the certificates of ${DAY}, at .* UTC by ann: meant`));
    expect(shown.printed).toMatch(/taken back at .* UTC by bob: mistaken/);
    expect(JSON.parse((await command('parked show pi_1 --json')).printed).acceptances).toMatchObject([
      { by: 'ann', taken_back_by: 'bob', differences: [{ kind: 'doubled' }] },
    ]);
  });
});
