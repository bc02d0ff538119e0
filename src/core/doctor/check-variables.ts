/** Whether the variables can be used as they are: wrong, missing, or with a name that nothing reads. */
import { formatCount } from '../base/time-text.js';
import { type Check, type Finding, fine, found, ofAnswer } from './finding.js';

export const variablesCheck: Check = {
  part: 'variables',
  judge: ({ variables }) =>
    ofAnswer(
      variables,
      { who: 'The file .env', code: 'configuration_unusable', check: 'Check that .env can be read' },
      ({ set, problems, unknown, newKeyLink }) => {
        const findings: Finding[] = [
          ...problems.map(
            (text): Finding => ({
              ...{ state: 'fail', code: 'configuration_unusable', text },
              do: nextOf(text, newKeyLink),
            }),
          ),
          ...unknown.map((text) =>
            found('variable_unknown', text, 'Rename it, or remove it where another program does not need it'),
          ),
        ];
        return findings.length > 0 ? findings : [fine(`${formatCount(set)} set, none wrong, none unknown`)];
      },
    ),
};

function nextOf(problem: string, newKeyLink: string): string {
  if (problem.startsWith('STRIPE_API_KEY: '))
    return `Make one and set it: ${newKeyLink} (for test mode: docs/installing.md)`;
  if (/^BLNK_API_KEY: |^BLNK_INSTANCE_ID: /.test(problem)) return 'Set it; docs/installing.md says where it comes from';
  return 'Correct it in the environment or in .env; .env.example explains it';
}
