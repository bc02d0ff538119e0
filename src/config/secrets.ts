/**
 * Which variables are secrets, and how each is read: from the variable, or from the file that `NAME_FILE` names. Sizes are
 * bounded, because a name may be a wrong one. No message of this file holds a value.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Where a secret comes from: asked again after a 401, because tokens expire and files are rotated. */
export type SecretSource = () => Promise<string>;

/** Secrets, and addresses that may hold a password: never shown, and readable from a file named by `NAME_FILE`. */
export const SECRETS = [
  ...(['STRIPE_API_KEY', 'BLNK_API_KEY', 'DATABASE_URL', 'REDIS_URL'] as const),
  ...(['ADMIN_TOKEN', 'VIEWER_TOKEN', 'STRIPE_WEBHOOK_SECRET'] as const),
];
type Secret = (typeof SECRETS)[number];

type Bag = Readonly<Record<string, string | undefined>>;

/** Far above any key, address or name. */
const VALUE_LENGTH_MAX = 16_384;
const FILE_BYTES_MAX = 65_536;

export function isSecret(name: string): name is Secret {
  return (SECRETS as readonly string[]).includes(name);
}

/** The values of these variables, files read. An empty variable counts as not set: `NAME=` in a file, or a Compose default. */
export function resolveSecrets(environment: Bag, names: readonly string[]) {
  const problems: string[] = [];
  const bag: Record<string, string> = {};
  for (const name of names) {
    // Pasted keys and addresses end in line breaks; no secret begins or ends with a space.
    const value = isSecret(name) ? environment[name]?.trim() : environment[name];
    const file = isSecret(name) ? environment[`${name}_FILE`] : undefined;
    if (value !== undefined && value.length > VALUE_LENGTH_MAX) {
      problems.push(`${name}: is ${value.length} characters long; allowed are at most ${VALUE_LENGTH_MAX}`);
    } else if (value !== undefined && value !== '') bag[name] = value;
    if (file === undefined || file === '') continue;
    if (bag[name] !== undefined) {
      problems.push(`${name}_FILE: is set together with ${name}; allowed is one of the two`);
      continue;
    }
    try {
      const text = readFileAtStart(file);
      if (text === '') problems.push(`${name}_FILE: ${file} is empty; allowed is a file that holds the value`);
      else bag[name] = text;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.push(`${name}_FILE: ${file} cannot be read (${why}); allowed is a readable file that holds the value`);
    }
  }
  return { bag, problems };
}

/** Reads the file anew each time; a variable stays what it was at the start. */
export function secretSource(environment: Bag, name: Secret, bag: Readonly<Record<string, string>>): SecretSource {
  const file = environment[`${name}_FILE`];
  if (file === undefined || file === '') return async () => bag[name] ?? '';
  return () => readWhileRunning(file);
}

function readFileAtStart(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
    return toText(bytes, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** The same without holding up the process. */
async function readWhileRunning(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
    return toText(bytes, (await file.read(bytes)).bytesRead);
  } finally {
    await file.close();
  }
}

function toText(bytes: Buffer, bytesRead: number): string {
  if (bytesRead > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes, which no secret is`);
  return bytes.toString('utf8', 0, bytesRead).trim();
}
