/** The line that the demonstration prints keeps the reader's own database, queue and ends out of it. */
import { describe, expect, it } from 'vitest';
import { exportedVariables } from '../../../src/app/demo/exported-variables.js';

const OWN = {
  STRIPE_API_KEY: 'sk_test_sandbox',
  BLNK_API_KEY: 'blnk_test_key',
  DATA_DIR: '/tmp/demo',
  HTTP_PORT: '4000',
};

describe('the line for the other terminal', () => {
  it('blanks what leads to another database, queue or end also where nothing is set yet', () => {
    const exported = exportedVariables(OWN, {});
    expect(exported).toMatchObject(OWN);
    const names = [
      'DATABASE_URL',
      'DATABASE_URL_FILE',
      'DATABASE_SCHEMA',
      'REDIS_URL',
      'REDIS_URL_FILE',
      'QUEUE_PREFIX',
    ];
    for (const name of [...names, 'STRIPE_API_KEY_FILE', 'BLNK_API_KEY_FILE', 'BLNK_API_STYLE', 'SYNC_START']) {
      expect([name, exported[name]]).toEqual([name, '']);
    }
    expect(exported).not.toHaveProperty('PUBLIC_URL');
  });

  it('blanks what is set here besides', () => {
    expect(exportedVariables(OWN, { PUBLIC_URL: 'https://a', LOG_LEVEL: '', HTTP_PORT: '1' })).toMatchObject({
      ...{ PUBLIC_URL: '', HTTP_PORT: '4000' },
    });
    expect(exportedVariables(OWN, { LOG_LEVEL: '' })).not.toHaveProperty('LOG_LEVEL');
  });
});
