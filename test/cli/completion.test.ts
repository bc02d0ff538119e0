/** `completion`: what it prints is read by the shells themselves, and what they then offer is what the command line takes. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import { FEEDS } from '../../src/core/coverage/sync-run.js';
import { SHELLS, type Shell } from '../../src/views/completion-script.js';
import { recordEnvironment } from '../support/recorded-environment.js';

async function scriptOf(shell: string): Promise<string> {
  const { environment, outcome } = recordEnvironment({ columns: 40 });
  await runCommandLine(composeCommandLine(environment as never), environment, ['completion', shell]);
  return outcome().printed;
}

/** What each shell itself offers behind these words, the last of which is being entered. */
const ASK: Readonly<Record<Shell, (script: string, words: readonly string[]) => string>> = {
  bash: (script, words) =>
    `${script}\nCOMP_WORDS=(stripe-blnk-sync ${words.map((word) => `'${word}'`).join(' ')})\n` +
    `COMP_CWORD=${words.length}\n_stripe_blnk_sync\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
  // What would be shown is printed in place of the menu.
  zsh: (script, words) =>
    `compdef() { :; }\n_describe() { print -l -- \${(P)2%%:*} }\n${script}\nwords=(stripe-blnk-sync ${words.map((word) => `'${word}'`).join(' ')})\n` +
    `CURRENT=${words.length + 1}\n_stripe_blnk_sync`,
  fish: (script, words) => `${script}\ncomplete -C 'stripe-blnk-sync ${words.join(' ')}'`,
};

const hasShell = (shell: Shell) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

describe.each(SHELLS.filter((shell) => shell === 'bash' || hasShell(shell)))('in %s', (shell) => {
  const offered = async (...words: string[]): Promise<string[]> => {
    const run = spawnSync(shell, ['-c', ASK[shell](await scriptOf(shell), words)], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const typed = words.at(-1) ?? '';
    const lines = run.stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
    return lines.filter((line) => line !== '' && line.startsWith(typed)).sort();
  };

  it('commands are offered, and those below a command', async () => {
    expect(await offered('sta')).toEqual(['status']);
    expect(await offered('r')).toEqual(['rebuild', 'repair', 'run', 'runs']);
    expect(await offered('parked', '')).toEqual(expect.arrayContaining(['dismiss', 'help', 'list', 'retry', 'show']));
    expect(await offered('parked', 'list', 'li')).toEqual([]);
  });

  it('options are offered, of their own command alone', async () => {
    expect(await offered('runs', '--')).toEqual(
      ['--after', '--all', '--feed', '--help', '--json', '--limit', '--status'].sort(),
    );
    expect(await offered('certificates', 'list', '--c')).toEqual(['--csv']);
    expect(await offered('--v')).toEqual(['--version']);
  });

  it('what an option or an argument may hold is offered, and nothing where it may hold anything', async () => {
    expect(await offered('runs', '--feed', '')).toEqual([...FEEDS].sort());
    expect(await offered('runs', '--all', '--feed', 'ev')).toEqual(['events']);
    expect(await offered('completion', 'z')).toEqual(['zsh']);
    expect(await offered('backfill', '--from', '')).toEqual([]);
  });
});

it('no other shell is taken, and nothing is broken on a narrow terminal', async () => {
  expect(await scriptOf('tcsh')).toBe('');
  expect(await scriptOf('bash')).toContain('complete -F _stripe_blnk_sync stripe-blnk-sync');
});
