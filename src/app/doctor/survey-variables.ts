/** The variables as far as they can be used, and everything that is wrong with them. */
import { NAMES_READ } from '../../config/config.js';
import { ConfigError } from '../../config/environment.js';
import { type ConfigSurvey, surveyConfig } from '../../config/survey.js';
import type { Answer, VariableFacts } from '../../core/doctor/facts.js';
import { unknownNameLines } from '../../core/settings/unknown-names.js';
import { newKeyLink } from '../../stripe/permissions.js';
import type { AppEnvironment } from '../commands/command-environment.js';
import { faultOf } from './ask-within.js';

export interface SurveyedVariables {
  readonly survey: ConfigSurvey;
  readonly variables: Answer<VariableFacts>;
}

export function surveyVariables({
  variables,
  variableNames,
}: Pick<AppEnvironment, 'variables' | 'variableNames'>): SurveyedVariables {
  try {
    const survey = surveyConfig(variables());
    const { given, problems } = survey;
    const unknown = unknownNameLines(variableNames(), NAMES_READ);
    return {
      survey,
      variables: {
        kind: 'given',
        facts: { set: given, problems, unknown, newKeyLink: newKeyLink({ livemode: true }) },
      },
    };
  } catch (error) {
    // Of an .env that cannot be read: what it would have said is not known, so nothing is asked.
    if (!(error instanceof ConfigError)) throw error;
    return { survey: NOTHING, variables: { kind: 'fault', fault: faultOf(error) } };
  }
}

const NOTHING: ConfigSurvey = {
  ...{ problems: [], given: 0, stripe: null, blnk: null },
  ...{ database: null, queue: null, http: null, work: null },
};
