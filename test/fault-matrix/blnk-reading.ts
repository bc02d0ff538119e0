/**
 * The cells in which only something is read from Blnk: before a worker starts, and for the proof of a day. What is read
 * under the fault is the truth, or an error, or visibly less; and without the fault it is the truth again.
 */

import type { BlnkStyle } from '../../src/blnk/routes.js';
import { SyncError } from '../../src/core/base/errors.js';
import type { Certificate } from '../../src/core/proof/certificate.js';
import { type HttpProxy, openHttpProxy } from '../support/http-proxy.js';
import { type OwnDatabase, openMigratedDatabase } from '../support/own-database.js';
import { openStage } from '../support/stages/collect.js';
import { certificateOf, DAMAGED_DAY, openProofStage, type ProofStage } from '../support/stages/proof.js';
import { type BlnkColumn, connectBlnk } from './blnk-columns.js';
import { type Cell, describeThrown, describeTries } from './cell.js';
import type { Ways } from './ways.js';
import type { Fault } from './wire-faults.js';

export interface ReadingWorld {
  readonly stages: Readonly<Record<BlnkStyle, SoundStage>>;
  close(): Promise<void>;
}

export interface SoundStage {
  readonly stage: ProofStage;
  /** What a proof says when nothing fails. */
  readonly sound: Certificate;
}

/** A day that is settled and would be sealed. */
export async function openSoundStage(place: OwnDatabase, style: BlnkStyle): Promise<SoundStage> {
  const stage = await openProofStage(await openStage(place), { style });
  for (const second of [100, 200, 300]) stage.payOn(DAMAGED_DAY, second);
  await stage.settle();
  return { stage, sound: certificateOf(await stage.prove(DAMAGED_DAY), 'USD') };
}

/** For each style a ledger with a day that is settled and would be sealed. */
export async function openReadingWorld(): Promise<ReadingWorld> {
  const places = await Promise.all([openMigratedDatabase(), openMigratedDatabase()]);
  const [cloud, core] = await Promise.all([openSoundStage(places[0], 'cloud'), openSoundStage(places[1], 'core')]);
  return {
    stages: { cloud, core },
    async close() {
      for (const { stage } of [cloud, core]) {
        await stage.closeLedger();
        await stage.close();
      }
      await Promise.all(places.map((place) => place.remove()));
    },
  };
}

interface ReadingCell {
  readonly fault: Fault<BlnkColumn>;
  readonly column: BlnkColumn;
  readonly ways: Ways;
}

export async function readUnder(world: ReadingWorld, { fault, column, ways }: ReadingCell): Promise<Cell> {
  const { stage } = world.stages[column.style];
  const asking = { ...world.stages[column.style], column, fault };
  const read = column.during === 'proof' ? readProof : readStart;
  const proxy = await openHttpProxy(stage.blnk.url);
  const rowsBefore = stage.blnk.stats().rows;
  try {
    const url = await ways.urlOf(proxy, fault.way ?? 'plain');
    if (fault.act !== undefined) proxy.intercept(fault.act(column), column.matches);
    const reader = read({ ...asking, url });
    const found = await outcomeOf(reader.read, proxy, fault);
    proxy.passEverything();
    await proxy.open();
    const healed = fault.act === undefined ? read({ ...asking, url: proxy.url }) : reader;
    const after = await healed.read();
    if (after.text !== healed.truth) throw new Error(`without the fault it is ${after.text}, not ${healed.truth}`);
    await Promise.all([reader.close(), healed.close()]);
    if (stage.blnk.stats().rows !== rowsBefore) throw new Error('a question wrote to the ledger');
    return found;
  } finally {
    await ways.closeOf(proxy);
    await proxy.close();
  }
}

interface Reader {
  /** What a good reading says. */
  readonly truth: string;
  read(): Promise<Cell>;
  close(): Promise<void>;
}

interface Asked extends SoundStage {
  readonly url: string;
  readonly column: BlnkColumn;
  readonly fault: Fault<BlnkColumn>;
}

async function outcomeOf(read: () => Promise<Cell>, proxy: HttpProxy, fault: Fault<BlnkColumn>): Promise<Cell> {
  const tries = () => (fault.act === undefined ? 1 : proxy.intercepted);
  try {
    const { text, codes } = await read();
    if (tries() === 0) throw new Error('no request met the fault');
    return { text: `${text}${describeTries(tries())}`, codes };
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const { word, code } = describeThrown(error);
    return { text: `${word}${describeTries(tries())}`, codes: [code] };
  }
}

/** What a worker asks before it begins. */
function readStart({ stage, url, column, fault }: Asked): Reader {
  const { style } = column;
  const { ledger, close } = connectBlnk(stage, { url, style, limitMs: fault.limitMs }).vendors;
  return {
    truth: 'ok',
    async read() {
      await ledger.checkPermissions();
      return { text: (await ledger.hasTransactionsOfOurs()) ? 'ok' : 'not seen', codes: [] };
    },
    close,
  };
}

/** The proof of a day that is sound. Said to be sealed it must be so for the right reasons: with the very same sums. */
function readProof({ stage, sound, url, column, fault }: Asked): Reader {
  const { style } = column;
  const { ledgerSide: ledger, close } = connectBlnk(stage, { url, style, limitMs: fault.limitMs }).vendors;
  return {
    truth: 'sealed',
    async read() {
      const said = certificateOf(await stage.prove(DAMAGED_DAY, { ports: { ledger } }), 'USD');
      const isSameLedger = said.ledger.hash === sound.ledger.hash && said.ledger.count === sound.ledger.count;
      if (said.state.startsWith('sealed') && !isSameLedger) throw new Error(`${said.state} over another ledger`);
      const codes = said.findings.flatMap(({ detail }) => detail.match(/\bblnk_[a-z_]+/g) ?? []);
      return { text: said.state.replaceAll('_', ' '), codes: [...new Set(codes)] };
    },
    close,
  };
}
