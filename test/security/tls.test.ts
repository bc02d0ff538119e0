/**
 * Encryption on all four ways out of a worker (Stripe, Blnk, PostgreSQL, Redis), with a certificate of an authority that
 * only NODE_EXTRA_CA_CERTS knows: with it a whole worker mirrors, without it every way is refused and named.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homes } from '../support/homes.js';
import { population, type Session, startSession, type Variables } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';
import { itInFull } from '../support/tier.js';
import { type Certificate, createCertificate, openTlsProxy, type TlsProxy } from '../support/tls-proxy.js';

const TIMEOUT_MS = 60_000;

const home = homes().at(-1);

describe.skipIf(home === undefined || home.name === 'embedded')('encryption', () => {
  let session: Session;
  let certificate: Certificate;
  const proxies: Record<string, TlsProxy> = {};
  let encrypted: Variables;

  const through = async (name: string, given: string, asks = false): Promise<URL> => {
    const proxy = await openTlsProxy(certificate, given, { asks });
    proxies[name] = proxy;
    const url = new URL(given);
    url.host = `localhost:${proxy.port}`;
    return url;
  };

  beforeAll(async () => {
    if (home === undefined) throw new Error('there is no home');
    const made = createCertificate();
    if (made === null) throw new Error('this test needs the program openssl');
    certificate = made;
    session = await startSession(home, { population: population(30) });
    const { DATABASE_URL = '', REDIS_URL = '', STRIPE_API_BASE = '', BLNK_API_BASE = '' } = session.variables;
    const database = await through('database', DATABASE_URL, true);
    database.searchParams.set('sslmode', 'verify-full');
    const overTls = async (name: string, given: string) => (await through(name, given)).href.replace('http:', 'https:');
    encrypted = {
      DATABASE_URL: database.href,
      ...(REDIS_URL === '' ? {} : { REDIS_URL: (await through('redis', REDIS_URL)).href.replace('redis:', 'rediss:') }),
      STRIPE_API_BASE: await overTls('stripe', STRIPE_API_BASE),
      BLNK_API_BASE: await overTls('blnk', BLNK_API_BASE),
      NODE_EXTRA_CA_CERTS: certificate.path,
    };
  }, TIMEOUT_MS);

  afterAll(async () => {
    await session?.close();
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
    certificate?.remove();
  }, TIMEOUT_MS);

  it(
    'reaches everything with the authority that the process was told of',
    async () => {
      const worker = session.worker(encrypted);
      await worker.untilLogged(/^mirroring/);
      await session.untilSettled();
      await expectMirrored(session);
      worker.kill('SIGTERM');
      const ended = await worker.ended;
      expect([ended.code, ended.errors]).toEqual([0, '']);
      for (const [name, proxy] of Object.entries(proxies)) expect(proxy.encrypted(), name).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  itInFull(
    'keeps the queue in the database encrypted too',
    async () => {
      const before = proxies.database?.encrypted() ?? 0;
      const { REDIS_URL: _redis, ...onPostgres } = encrypted;
      const variables = { ...onPostgres, REDIS_URL: '' };
      expect(await session.runProcess(['migrate'], variables)).toMatchObject({ code: 0, errors: '' });
      expect(await session.runProcess(['status', '--json'], variables)).toMatchObject({ errors: '' });
      // A proxy that is plain inside lets nobody through who does not ask for encryption.
      expect(proxies.database?.encrypted()).toBeGreaterThan(before + 1);
    },
    TIMEOUT_MS,
  );

  itInFull(
    'refuses whoever has a certificate of an authority that it does not know',
    async () => {
      const plain = session.variables;
      const { STRIPE_API_BASE = '', BLNK_API_BASE = '', DATABASE_URL = '' } = encrypted;
      const unknown: ReadonlyArray<readonly [Variables, readonly string[], RegExp]> = [
        [{ DATABASE_URL }, ['status'], /database_certificate_refused.*self-signed certificate/],
        ...(encrypted.REDIS_URL === undefined
          ? []
          : [[{ REDIS_URL: encrypted.REDIS_URL }, ['sync'], /queue_refused/] as const]),
        [{ STRIPE_API_BASE }, ['sync', '--dry-run'], /stripe_unavailable.*self-signed certificate/i],
        [{ BLNK_API_BASE }, ['prove'], /blnk_unavailable.*self-signed certificate/i],
      ];
      const ends = await Promise.all(
        unknown.map(([variables, words]) => session.runProcess(words, { ...plain, ...variables })),
      );
      unknown.forEach(([, , wanted], index) => {
        expect(ends[index]?.code, String(wanted)).not.toBe(0);
        expect(`${ends[index]?.errors}${ends[index]?.output}`).toMatch(wanted);
      });
    },
    TIMEOUT_MS,
  );

  it('without a check of the certificate is what sslmode=require means', async () => {
    const url = new URL(encrypted.DATABASE_URL ?? '');
    url.searchParams.set('sslmode', 'require');
    const variables = { DATABASE_URL: url.href, REDIS_URL: '' };
    const before = proxies.database?.encrypted() ?? 0;
    const status = await session.runProcess(['sync'], variables);
    expect(`${status.errors}${status.output}`).not.toMatch(/certificate|unreachable|Warning/i);
    // Ours and the queue's.
    expect(proxies.database?.encrypted()).toBeGreaterThan(before + 1);
  });
});
