/** What is generated in the documents is up to date, and what they name of the HTTP server and of the ledger is there. */
import { describe, expect, it } from 'vitest';
import { generatedDocuments } from '../../scripts/documents/generated.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import { readDocuments, readText, rowsOf, spansOf } from '../support/documents.js';
import { sourceFiles } from '../support/source-files.js';

it('the documents hold what npm run docs:generate would write', async () => {
  for (const [path, text] of Object.entries(await generatedDocuments())) expect(readText(path), path).toBe(text);
});

describe('the documents', () => {
  // Of the API those that its own description has.
  const described = [...readText('docs/api.md').matchAll(/^### (?:GET|POST) (\S+)$/gm)].map(([, path = '']) => path);
  const served = sourceFiles('src/http').flatMap(({ text }) =>
    [...text.matchAll(/\b(?:app|api)\.(?:get|post)\(\s*'(\/[^']*)'/g)].map(([, path = '']) => path),
  );
  const withoutVersion = described.map((path) => path.replace(/^\/api\/v1/, ''));
  const routes = [...described, ...withoutVersion, ...served, '/api/openapi.json'].map(
    (path) => new RegExp(`^${path.replace(/:\w+(?:\{[^}]*\})?|\{\w+\}/g, '[^/]+')}/?$`),
  );

  it('names more than one route of each kind', () => {
    expect(described).toContain('/api/v1/runs/{id}');
    expect(served).toContain('/health/ready');
    expect(routes.length).toBeGreaterThan(25);
  });

  it.each(Object.entries(readDocuments()))('%s names paths of the HTTP server that there are', (_path, text) => {
    const inText = [...spansOf(text), ...(text.match(/http:\/\/127\.0\.0\.1:3000\/[^\s'`)]*/g) ?? [])]
      .map((span) =>
        span
          .replace(/^(?:GET|POST) /, '')
          .replace(/^http:\/\/127\.0\.0\.1:3000/, '')
          .replace(/[?#].*$/, ''),
      )
      .filter((span) => /^\/(?:api|health|metrics|webhooks|runs|payments|parked|days|actions|settings)\b/.test(span));
    expect(
      inText.filter((path) => !routes.some((route) => route.test(path.replaceAll(/[<{][^>}]*[>}]/g, 'x')))),
    ).toEqual([]);
  });
});

describe('the page of the mapping', () => {
  it('has every field of a transaction, and no other', () => {
    const preparation = preparePayment(
      {
        ...{ kind: 'payment', id: 'pi_1', amountReceived: 1_999n, currency: 'usd', livemode: true },
        ...{ created: new Date('2026-05-31T23:59:59Z'), customerId: 'cus_1', chargeId: 'ch_1', description: 'x' },
        metadata: [['order', 'o'.repeat(6_000)]],
      },
      {
        ...{ mappingVersion: 1, sourceShards: 1, mirrorId: 'm', livemode: true, source: '@stripe' },
        guestDestination: '@guests',
      },
    );
    if (preparation.kind !== 'prepared') throw new Error(preparation.detail);
    const { meta_data: metadata, ...fields } = JSON.parse(preparation.transaction.body);
    const made = [...Object.keys(fields), ...Object.keys(metadata).map((key) => `meta_data.${key}`)];
    const told = rowsOf(readText('docs/mapping.md')).flatMap(([, cell = '']) => spansOf(cell));
    const named = told.filter((span) => made.includes(span) || span.startsWith('meta_data.'));
    expect([...new Set(named)].sort()).toEqual(made.sort());
  });
});
