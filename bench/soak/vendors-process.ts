/** The process of the stand-ins, as its parent sees it: calls that are answered in order. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Judgement, VendorAddresses, VendorCall, VendorOrder } from './vendors.js';

export interface VendorProcess {
  readonly addresses: VendorAddresses;
  moveTo(ms: number): Promise<void>;
  endFaults(): Promise<void>;
  /** @param completeTo payments that succeeded before this must be in the ledger, in milliseconds */
  judge(completeTo: number): Promise<Judgement>;
  close(): Promise<void>;
}

export async function startVendors(order: VendorOrder): Promise<VendorProcess> {
  const file = fileURLToPath(new URL('vendors-child.ts', import.meta.url));
  const child = fork(file, [JSON.stringify(order)], { execArgv: ['--import', import.meta.resolve('tsx')] });
  const waiting = new Map<number, (result: unknown) => void>();
  const left = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the process of the stand-ins left with ${code}`)));
  });
  left.catch(() => {
    // Told to whoever waits for an answer.
  });
  let closed = false;
  child.on('message', ({ id, result }: { id: number; result: unknown }) => {
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let calls = 0;
  const answerTo = (id: number) => new Promise<unknown>((resolve) => waiting.set(id, resolve));
  const ask = (call: VendorCall): Promise<unknown> => {
    calls += 1;
    const answer = answerTo(calls);
    child.send({ id: calls, ...call });
    return Promise.race([answer, left]);
  };
  const addresses = (await Promise.race([answerTo(0), left])) as VendorAddresses;
  return {
    addresses,
    async moveTo(ms) {
      await ask({ call: 'moveTo', ms });
    },
    async endFaults() {
      await ask({ call: 'endFaults' });
    },
    judge: async (completeTo) => (await ask({ call: 'judge', completeTo })) as Judgement,
    async close() {
      if (closed) return;
      closed = true;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  };
}
