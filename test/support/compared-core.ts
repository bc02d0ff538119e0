// Where a real Blnk Core is, to compare the stand-in with: BLNK_CONTRACT_CORE_URL and BLNK_CONTRACT_CORE_KEY. The Core needs its
// workers running and a database of its own; cases leave data behind.

interface ComparedCore {
  readonly baseUrl: string;
  readonly key: string;
  /** Which one it is, where that counts; a Core tells it nowhere. */
  readonly version?: string | undefined;
}

const {
  BLNK_CONTRACT_CORE_URL: baseUrl,
  BLNK_CONTRACT_CORE_KEY: key,
  BLNK_CONTRACT_CORE_VERSION: version,
} = process.env;

/** Undefined when the environment names none. */
export const comparedCore: ComparedCore | undefined =
  baseUrl === undefined || key === undefined ? undefined : { baseUrl, key, version };
