/** Every variable with its value and where it comes from. Of a secret only its kind and source: the value is shown nowhere. */
import { VARIABLES } from '../config/config.js';
import type { Bag } from '../config/environment.js';
import { isSecret } from '../config/secrets.js';
import { VARIABLE_SECTIONS } from '../core/settings/variables.js';
import type { SettingRecord } from '../http/ports.js';

export function describeSettings(environment: Bag): SettingRecord[] {
  const defaults = readDefaults();
  return VARIABLES.map((variable): SettingRecord => {
    const [given, file] = [environment[variable] || undefined, environment[`${variable}_FILE`] || undefined];
    if (isSecret(variable)) {
      if (given !== undefined) return { variable, value: null, from: 'variable', note: `set${kindOf(given)}` };
      if (file !== undefined) return { variable, value: null, from: 'file', note: `read from ${file}` };
      return { variable, value: null, from: 'default', note: 'not set' };
    }
    if (given !== undefined) return { variable, value: given, from: 'variable', note: null };
    return { variable, value: defaults.get(variable) ?? null, from: 'default', note: null };
  });
}

/** `rk_live_` and such say which key it is, and nothing of the key. */
function kindOf(secret: string): string {
  const kind = /^(?:sk|rk)_(?:live|test)_|^whsec_/.exec(secret.trim())?.[0];
  return kind === undefined ? '' : `, ${kind}…`;
}

function readDefaults(): Map<string, string> {
  const variables = VARIABLE_SECTIONS.flatMap((section) => section.variables);
  return new Map(variables.map(({ name, fallback }) => [name, fallback]));
}
