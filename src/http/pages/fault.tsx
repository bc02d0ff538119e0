/** The page of a fault, as text: what happened, and where to go. */
import type { FC } from 'hono/jsx';
import type { Problem } from '../problem.js';
import { Shell } from './layout.js';
import { Text } from './parts.js';

/** @param isForm what a form sent is not sent again by itself */
export function faultPage(
  problem: Problem,
  { requestId, isForm }: { readonly requestId: string; readonly isForm: boolean },
): string {
  return `<!doctype html>${<Fault problem={problem} requestId={requestId} isForm={isForm} />}`;
}

/** Of a database that is away one that comes back by itself. */
const Fault: FC<{ readonly problem: Problem; readonly requestId: string; readonly isForm: boolean }> = ({
  problem,
  requestId,
  isForm,
}) => {
  const comesBack = problem.status === 503 && !isForm;
  return (
    <Shell title={problem.title} {...(comesBack ? { refreshAfterS: problem.retryAfterS ?? 5 } : {})}>
      <main id="content">
        <h1>{problem.title}</h1>
        <p class="answer attention">
          <Text of={problem.detail} />
        </p>
        <p>
          {comesBack ? 'This page tries again by itself. Payments go on without it. ' : ''}
          {isForm ? 'Go back to try it again: what was done stays done. ' : ''}
          <a href={`/runbook#${problem.code}`}>{problem.code} in the runbook</a> · <a href="/">Overview</a>
        </p>
        <p class="quiet">Request {requestId}</p>
      </main>
    </Shell>
  );
};
