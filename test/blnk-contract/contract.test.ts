// Holds the sandbox to every recorded answer of Blnk Core, directly and through the Cloud's proxy; and a real Core as well when
// BLNK_CONTRACT_CORE_URL and BLNK_CONTRACT_CORE_KEY name one.

import { afterAll, beforeAll, describe, it } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { comparedCore } from '../support/compared-core.js';
import { readContractCases } from './case-file.js';
import { type ContractTarget, runContractCase } from './run-case.js';

const cases = readContractCases();

describe.concurrent('the sandbox', () => {
  let sandbox: BlnkSandbox;
  beforeAll(async () => {
    sandbox = await startBlnkSandbox({ proxyRoutes: 'all' });
  });
  afterAll(() => sandbox.close());

  describe('as Core', () => {
    registerCases('direct', () => ({ baseUrl: sandbox.url, mode: 'direct', key: sandbox.coreKey }));
  });

  describe('through the proxy', () => {
    registerCases('proxy', () => ({
      baseUrl: sandbox.url,
      mode: 'proxy',
      key: sandbox.cloudToken,
      instanceId: sandbox.instanceId,
    }));
  });
});

if (comparedCore !== undefined) {
  const core = comparedCore;
  describe(`a real Core at ${core.baseUrl}`, () => {
    registerCases('direct', () => ({ ...core, mode: 'direct' }));
  });
}

function registerCases(mode: ContractTarget['mode'], target: () => ContractTarget): void {
  for (const contractCase of cases.filter(({ only }) => only === undefined || only === mode)) {
    it(`${contractCase.id} ${contractCase.title}`, () => runContractCase(contractCase, target()));
  }
}
