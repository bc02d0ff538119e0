/**
 * The API key: read when first needed, and read again after Stripe refused it, because keys are rotated under a running
 * worker. Holds the only copy; nothing here logs it, and `redactSecrets` keeps it out of every text that leaves the folder.
 */
import { SyncError } from '../core/base/errors.js';
import { KEYS_PAGE } from '../core/settings/key-problem.js';

export interface ApiKeys {
  current(): Promise<string>;
  /** Reads the key again after `refused` was refused. True when there is another one now. */
  renew(refused: string): Promise<boolean>;
}

/**
 * @param readKey reads the key from wherever it is configured; called again after every refusal
 * @param confirm throws when a new key is of another account than the one that is mirrored; it is not used then
 */
export function createApiKeys(readKey: () => Promise<string>, confirm: (fresh: string) => Promise<void>): ApiKeys {
  let key: string | undefined;
  let reading: Promise<string> | undefined;

  /** Many requests may be refused at once: they share one reading. */
  const read = (): Promise<string> => {
    reading ??= readKey()
      .then(checked)
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };

  return {
    async current() {
      key ??= await read();
      return key;
    },
    async renew(refused) {
      if (key !== refused) return true;
      const fresh = await read();
      if (fresh === refused) return false;
      if (isLiveKey(fresh) !== isLiveKey(refused)) {
        throw new SyncError(
          `STRIPE_API_KEY was read again after a refusal and is now a ${modeOf(fresh)} key; this worker began with a ${modeOf(refused)} key. Restart it if that is meant`,
          { kind: 'fatal', code: 'stripe_key_refused' },
        );
      }
      await confirm(fresh);
      key = fresh;
      return true;
    },
  };
}

/** A key that no HTTP header can carry, or an empty one, is refused here: the SDK would only say that the header is bad. */
function checked(key: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new SyncError(
    `STRIPE_API_KEY ${key === '' ? 'is empty' : 'holds spaces or characters that no key has'}; a secret key (sk_…) or a restricted key (rk_…) is expected, from ${KEYS_PAGE}`,
    { kind: 'fatal', code: 'stripe_key_refused' },
  );
}

/** The key decides the mode: `sk_live_…` and `rk_live_…` see live objects only, all others test objects only. */
export function isLiveKey(key: string): boolean {
  return /^[a-z]+_live_/.test(key);
}

/** Stripe quotes keys (masked, but not all of a restricted one) and our own request may be quoted by a proxy. */
export function redactSecrets(text: string, key: string): string {
  return (key === '' ? text : text.replaceAll(key, '[key]'))
    .replace(/\b([srp]k_(?:live|test|org)_)[A-Za-z0-9_*.]+/g, '$1…')
    .replace(/\b([a-z]+_[A-Za-z0-9]+_secret_)[A-Za-z0-9]+/g, '$1…');
}

function modeOf(key: string): string {
  return isLiveKey(key) ? 'live' : 'test';
}
