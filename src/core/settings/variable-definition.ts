/** What is known of a variable besides what its value may be. */

export interface VariableDefinition {
  readonly name: string;
  /** One line, for `.env.example`. */
  readonly summary: string;
  /** What is in force without it: a value, or `none` and what that means. */
  readonly fallback: string;
  readonly example: string;
  /** For docs/configuration.md, in Markdown: everything that a person has to know. */
  readonly details: string;
  /** The same of `fallback`, where more is to be said. */
  readonly fallbackDetails?: string;
}

export interface VariableSection {
  readonly title: string;
  /** Behind the title in `.env.example`. */
  readonly remark?: string;
  readonly variables: readonly VariableDefinition[];
}
