/**
 * Cores of other versions, as the stand-in plays them: the adapter comes out with the same on all that are supported, and a Core that
 * is too old is refused at the start. The same questions go to real Cores in cores.full.test.ts.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { type CoreVersion, coreVersions } from '../../sandbox/blnk/core-version.js';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { createLedger, type LedgerOptions } from '../../src/blnk/ledger.js';
import { runContractCase } from '../blnk-contract/run-case.js';
import { asCore, postPayment } from '../blnk-contract/sandbox-client.js';
import { DIFFERENT, NOT_PLAYED, readUsedCases } from '../blnk-contract/versions.js';
import { askAll, outcomesOf } from '../support/used-of-blnk.js';

const SUPPORTED = coreVersions.filter((version) => version in DIFFERENT);

/** Held to all cases by contract.test.ts. */
const RECORDED: CoreVersion = '0.15.2';

/** Bodies of megabytes, which take seconds and say nothing of versions. */
const LARGE = new Set(['02-13', '05-08', '10-14']);

let sandbox: BlnkSandbox | undefined;

async function play(coreVersion: CoreVersion): Promise<BlnkSandbox> {
  sandbox = await startBlnkSandbox({ coreVersion });
  return sandbox;
}

afterEach(() => sandbox?.close());

function optionsOf(played: BlnkSandbox, style: LedgerOptions['style']): LedgerOptions {
  return {
    style,
    baseUrl: played.url,
    instanceId: style === 'cloud' ? played.instanceId : null,
    readKey: async () => (style === 'cloud' ? played.cloudToken : played.coreKey),
    lookUpFirstWaitMs: 1,
  };
}

describe.each(SUPPORTED)('a Core %s', (version) => {
  it.each(['core', 'cloud'] as const)('is asked all that the mirror requests, as %s', async (style) => {
    const outcomes = await askAll(optionsOf(await play(version), style));
    expect(outcomes).toEqual(outcomesOf(version, style));
  });

  if (version === RECORDED) return;
  it('is played as it was recorded', async () => {
    const played = await play(version);
    const notPlayed = NOT_PLAYED[version] ?? new Set();
    const different: string[] = [];
    const target = { baseUrl: played.url, mode: 'direct' as const, key: played.coreKey };
    await Promise.all(
      readUsedCases()
        .filter(({ id }) => !LARGE.has(id))
        .map((contractCase) => runContractCase(contractCase, target).catch(() => different.push(contractCase.id))),
    );
    expect(different.sort()).toEqual(
      [...(DIFFERENT[version] ?? [])].filter((id) => !notPlayed.has(id) && !LARGE.has(id)).sort(),
    );
  });
});

it('a Core 0.13.4 finds children and hides their parents: each parent is asked for alone', async () => {
  const played = await play('0.13.4');
  const held = await Promise.all(
    ['pi_1', 'pi_2'].map(async (reference) => {
      const { body } = await postPayment(played, reference, { inflight: true });
      return (body as { transaction_id: string }).transaction_id;
    }),
  );
  const commit = { method: 'PUT', path: `/transactions/inflight/${held[0]}`, body: { status: 'commit' } };
  expect((await asCore(played, commit)).status).toBe(200);
  const ledger = createLedger(optionsOf(played, 'core'));
  try {
    await expect.poll(() => ledger.findChildren(held)).toHaveLength(1);
    const children = await ledger.findChildren(held);
    expect(children.map(({ parentId, status }) => [parentId, status])).toEqual([[held[0], 'APPLIED']]);
  } finally {
    await ledger.close();
  }
});

it.each([
  ['0.12.2', 'cannot be asked for transactions by a filter'],
  ['0.13.2', 'answers to one reference, and fails at a list of two'],
] as const)('a Core %s is too old, and the start check says so', async (version, lacks) => {
  const ledger = createLedger(optionsOf(await play(version), 'core'));
  try {
    await expect(ledger.checkPermissions()).rejects.toMatchObject({
      kind: 'fatal',
      code: 'blnk_core_too_old',
      message: expect.stringContaining(`${lacks}. The smallest version that can be worked with is 0.13.4`),
    });
  } finally {
    await ledger.close();
  }
});
