/** Which addresses a proxy of the environment stands for: those are refused at the start, and the words say what to do. */
import { describe, expect, it } from 'vitest';
import { readWorkerConfig } from '../../src/config/config.js';
import { proxyProblem } from '../../src/core/settings/proxy-problem.js';

const PROXY = 'http://user:secret@proxy:3128';
const STRIPE = 'https://api.stripe.com';

describe('a proxy in the environment', () => {
  it.each([
    [STRIPE, { HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
    [STRIPE, { https_proxy: PROXY, HTTPS_PROXY: '' }, 'https_proxy'],
    ['http://core:5001', { HTTP_PROXY: PROXY }, 'HTTP_PROXY'],
    [STRIPE, { HTTPS_PROXY: PROXY, NO_PROXY: 'pe.com,api.stripe.com:444,.' }, 'HTTPS_PROXY'],
  ])('stands for %s with %o', (address, variables, name) => {
    const problem = proxyProblem(address, variables);
    expect(problem).toMatch(new RegExp(`^${name}: is set .*add ${new URL(address).hostname} to NO_PROXY`));
    expect(problem).not.toContain('secret');
  });

  it.each([
    [STRIPE, {}],
    [STRIPE, { HTTPS_PROXY: '' }],
    [STRIPE, { HTTP_PROXY: PROXY }],
    ['http://core:5001', { HTTPS_PROXY: PROXY }],
    ['http://127.0.0.1:5001', { HTTP_PROXY: PROXY }],
    [STRIPE, { HTTPS_PROXY: PROXY, NO_PROXY: '*' }],
    [STRIPE, { HTTPS_PROXY: PROXY, no_proxy: 'other, API.stripe.com' }],
    [STRIPE, { HTTPS_PROXY: PROXY, NO_PROXY: '.stripe.com' }],
    [STRIPE, { HTTPS_PROXY: PROXY, NO_PROXY: '*.stripe.com:443' }],
  ])('does not stand for %s with %o', (address, variables) => {
    expect(proxyProblem(address, variables)).toBeNull();
  });

  it('is reported with everything else that is wrong, once for each vendor', () => {
    const given = { STRIPE_API_KEY: 'sk_test_1', BLNK_API_KEY: 'key', BLNK_INSTANCE_ID: 'inst_1' };
    expect(() => readWorkerConfig({ ...given, HTTPS_PROXY: PROXY })).toThrow(
      /add api\.stripe\.com to NO_PROXY.*\n.*add api\.cloud\.blnkfinance\.com to NO_PROXY/,
    );
    const without = { NO_PROXY: 'stripe.com,api.cloud.blnkfinance.com' };
    expect(readWorkerConfig({ ...given, HTTPS_PROXY: PROXY, ...without })).toMatchObject({ source: '@stripe' });
  });
});
