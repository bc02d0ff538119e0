/**
 * `init`: asks for what a worker needs, tries each answer at once, and writes `.env`. Nothing is written before the end, and a
 * secret is never shown; with `--yes` nothing is asked.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { describeFault } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { withValues } from '../core/settings/environment-file.js';
import { type CheckName, QUESTIONS, type Question } from './init-questions.js';
import type { CommandEnvironment } from './ports.js';

export interface InitOptions {
  readonly print: boolean;
  readonly yes: boolean;
  /** False: the other sides are not asked. */
  readonly check: boolean;
  /** By variable. */
  readonly set: Readonly<Record<string, string>>;
}

type Values = Readonly<Record<string, string>>;

/** What the composition root knows and can do. */
export interface InitParts {
  /** Of the environment, over those of `.env`; files of secrets by `NAME_FILE`. */
  readonly given: Values;
  /** What `.env` holds now; null: there is none. */
  readonly file: { readonly text: string; readonly values: Values } | null;
  /** What a new file is made from. */
  readonly template: string;
  /** What is wrong with this variable beside the others; with none named of all together. Empty: nothing. */
  problems(values: Values, variable?: string): readonly string[];
  /** Tries it as a start would. @returns what was seen. Throws SyncError. */
  check(name: CheckName, values: Values): Promise<string>;
  isSecret(variable: string): boolean;
  newToken(): string;
  isLoopback(host: string): boolean;
  write(text: string): void;
}

/** Whoever answers. */
export interface Dialogue {
  /** Null when nobody answers any more: the end of the input, or Ctrl-C. */
  answer(options?: { readonly isSecret?: boolean }): Promise<string | null>;
  close(): void;
}

export interface InitEnvironment extends Pick<CommandEnvironment, 'output' | 'exit'> {
  openDialogue(): Promise<Dialogue>;
}

export function addInitCommand(program: Command, init: (options: InitOptions) => Promise<void>): void {
  program
    .command('init')
    .description('ask for what a worker needs, try each answer, and write .env')
    .option('--print', 'print the file, keys included, instead of writing it')
    .option('--yes', 'ask nothing: take --set, the environment, .env and what is the default, in this order')
    .addOption(
      new Option('--set <NAME=value>', 'a variable that is then not asked for, once for each; not for secrets')
        .argParser(collectSetting)
        .default({}, 'none'),
    )
    .option('--no-check', 'do not ask Stripe, Blnk, PostgreSQL and Redis whether they can be worked with')
    .action((options: Partial<InitOptions>) =>
      init({
        ...{ print: options.print ?? false, yes: options.yes ?? false, check: options.check ?? true },
        set: options.set ?? {},
      }),
    );
}

/** Sets the exit code: 0 written, 1 nobody answered or wanted it, 2 something given is wrong. */
export async function init(environment: InitEnvironment, parts: InitParts, options: InitOptions): Promise<void> {
  const { output, exit } = environment;
  const dialogue = options.yes ? null : await environment.openDialogue();
  try {
    const secrets = Object.keys(options.set).filter((name) => parts.isSecret(name));
    if (secrets.length > 0) {
      output.warn(
        `${secrets.join(', ')}: is a secret, and others can see it on a command line; set it in the environment instead`,
      );
      return exit(2);
    }
    const answered = await answersOf(environment, { parts, options, dialogue });
    if (answered.kind !== 'all') {
      output.warn('Nothing was written.');
      return exit(answered.kind === 'wrong' ? 2 : 1);
    }
    await finish(environment, { parts, options, dialogue, values: answered.values });
  } finally {
    dialogue?.close();
  }
}

interface Asking {
  readonly parts: InitParts;
  readonly options: InitOptions;
  /** Null: nobody is asked. */
  readonly dialogue: Dialogue | null;
}

type Answered = { readonly kind: 'all'; readonly values: Values } | { readonly kind: 'wrong' | 'left' };

async function answersOf(environment: InitEnvironment, asking: Asking): Promise<Answered> {
  const { parts, options } = asking;
  let values: Values = { ...parts.given, ...options.set };
  if (asking.dialogue !== null) {
    environment.output.note('Enter takes what stands in brackets. Nothing is written before the end; Ctrl-C leaves.');
  }
  for (const question of QUESTIONS) {
    if (question.isAsked?.(values) === false) continue;
    const settled = await settle(environment, { ...asking, question, values });
    if (settled.kind !== 'all') return settled;
    values = settled.values;
  }
  const wrong = parts.problems(values);
  for (const problem of wrong) environment.output.warn(problem);
  return wrong.length > 0 ? { kind: 'wrong' } : { kind: 'all', values };
}

/** One question, asked until its answer can be worked with. */
async function settle(
  environment: InitEnvironment,
  { parts, options, dialogue, question, values }: Asking & { readonly question: Question; readonly values: Values },
): Promise<Answered> {
  const { output } = environment;
  const { variable, fallback } = question;
  const isSettled =
    dialogue === null || options.set[variable] !== undefined || values[`${variable}_FILE`] !== undefined;
  for (;;) {
    if (!isSettled) output.note(questionText(question, values));
    const entered = isSettled ? '' : await dialogue.answer(question);
    if (entered === null) return { kind: 'left' };
    const given = entered.trim() || values[variable] || (fallback === 'none' ? undefined : (fallback ?? undefined));
    const entire =
      given === undefined || given === 'none' ? without(values, variable) : { ...values, [variable]: given };
    const next = variable === 'HTTP_HOST' ? withToken(output, parts, entire) : entire;
    const problem =
      parts.problems(next, variable)[0] ?? (await triedProblem(output, { parts, options, question, next }));
    if (problem === null) return { kind: 'all', values: next };
    output.warn(problem);
    if (isSettled) return { kind: 'wrong' };
  }
}

function questionText({ text, variable, isSecret = false, fallback }: Question, values: Values): string {
  const there = values[variable];
  const shown = there === undefined ? (fallback ?? '') : isSecret ? 'as it is' : there;
  return `${text} (${variable})${shown === '' ? '' : ` [${shown}]`}`;
}

interface Trying extends Pick<Asking, 'parts' | 'options'> {
  readonly question: Question;
  readonly next: Values;
}

/** Null: it can be worked with, or nobody asked. */
async function triedProblem(
  output: InitEnvironment['output'],
  { parts, options, question: { variable, check }, next }: Trying,
): Promise<string | null> {
  const isThere = next[variable] !== undefined || next[`${variable}_FILE`] !== undefined;
  if (check === undefined || !options.check || !isThere) return null;
  try {
    output.note(`  ${await parts.check(check, next)}`);
    return null;
  } catch (error) {
    return `${describeFault(error)} (--no-check leaves this out)`;
  }
}

/** Others reach an address that is not this machine's alone. */
function withToken(output: InitEnvironment['output'], parts: InitParts, values: Values): Values {
  const { HTTP_HOST: host, HTTP_PORT: port, ADMIN_TOKEN: token, ADMIN_TOKEN_FILE: file } = values;
  if (host === undefined || port === 'off' || parts.isLoopback(host) || (token ?? file) !== undefined) return values;
  output.note(`${host} can be reached from other machines, so an ADMIN_TOKEN was generated; it goes into the file.`);
  return { ...values, ADMIN_TOKEN: parts.newToken() };
}

async function finish(
  { output, exit }: InitEnvironment,
  { parts, options, dialogue, values }: Asking & { readonly values: Values },
): Promise<void> {
  const old = parts.file?.values ?? {};
  const names = [...new Set([...Object.keys(values), ...QUESTIONS.map(({ variable }) => variable)])];
  const changed = names.filter((name) => values[name] !== old[name]);
  const text = withValues(
    parts.file?.text ?? parts.template,
    new Map(changed.map((name) => [name, values[name] ?? null])),
  );
  if (options.print) return output.printData(text.trimEnd());
  if (parts.file !== null) {
    if (changed.length === 0) return output.print('.env already has these values. Nothing was written.');
    output.note('.env is there. This would change:');
    for (const name of changed)
      output.note(`  ${name}: ${shown(parts, name, old[name])} → ${shown(parts, name, values[name])}`);
    if (dialogue !== null) output.note('Write it? (y or n) [n]');
    const answer = dialogue === null ? 'y' : await dialogue.answer();
    if (!/^y(es)?$/i.test(answer?.trim() ?? '')) {
      output.warn('Nothing was written.');
      return exit(1);
    }
  }
  parts.write(text);
  output.print('.env is written, for your user alone. Next:');
  const [first, second] = values.DATABASE_URL === undefined ? ['sync --dry-run', 'worker'] : ['migrate', 'worker'];
  for (const command of [first, second]) output.print(`  ${commandLine(command ?? '')}`);
}

function shown(parts: InitParts, name: string, value: string | undefined): string {
  if (value === undefined) return 'not set';
  return parts.isSecret(name) ? 'a secret' : value;
}

function without(values: Values, variable: string): Values {
  const { [variable]: _, ...others } = values;
  return others;
}

function collectSetting(text: string, before: Values): Values {
  const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Allowed: NAME=value.');
  return { ...before, [name]: value };
}
