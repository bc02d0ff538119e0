/** Who decides and why: what forms ask for, and how it is read out of them. */
import type { Context } from 'hono';
import type { FC } from 'hono/jsx';
import { isPlansDismissal } from '../../core/repair/repair-plan.js';
import type { Environment } from '../access.js';
import { refuse } from '../problem.js';

export const WHY_LENGTH_MAX = 500;
export const NAME_LENGTH_MAX = 100;

/** Fields of a form that is sent as forms are. Throws ProblemError 415. */
export async function readFields(c: Context<Environment>): Promise<FormData> {
  return c.req.formData().catch(() => {
    throw refuse(415, 'http_media_type', 'The body has to be that of a form');
  });
}

/** Empty where it is missing. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

/** Null: it is missing, or a name that only a plan signs with. */
export function nameOf(form: FormData): string | null {
  const name = textOf(form, 'by');
  return name === '' || isPlansDismissal(name) ? null : name.slice(0, NAME_LENGTH_MAX);
}

export function whyOf(form: FormData): string | null {
  const why = textOf(form, 'why');
  return why === '' ? null : why.slice(0, WHY_LENGTH_MAX);
}

export const Why: FC = () => (
  <p>
    <label>
      Why (needed)
      <br />
      <input name="why" required maxlength={WHY_LENGTH_MAX} size={60} />
    </label>
  </p>
);

export const YourName: FC = () => (
  <p>
    <label>
      Your name (needed)
      <br />
      <input name="by" required maxlength={NAME_LENGTH_MAX} size={30} autocomplete="name" />
    </label>
  </p>
);
