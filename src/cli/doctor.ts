/** `doctor`: looks at every part, also before the first start, and says what to do. Exit 1 when a person is needed. */
import type { Command } from 'commander';
import { isWell } from '../core/doctor/checks.js';
import type { DoctorReport } from '../core/doctor/finding.js';
import { doctorLines } from '../views/doctor-text.js';
import { toJson } from '../views/json.js';
import { plainText } from '../views/text-width.js';
import { jsonOption } from './command.js';
import type { CommandEnvironment } from './ports.js';

/** The operation that the command shows. */
export interface DoctorOperation {
  /** Throws only when it was interrupted. */
  examine(): Promise<DoctorReport>;
}

export interface DoctorOptions {
  readonly json: boolean;
}

export function addDoctorCommand(program: Command, doctor: (options: DoctorOptions) => Promise<void>): void {
  program
    .command('doctor')
    .description('look at every part, also before the first start, and say what to do about what is wrong')
    .addOption(jsonOption())
    .action(({ json = false }: Partial<DoctorOptions>) => doctor({ json }));
}

export async function doctor(
  { output, exit }: Pick<CommandEnvironment, 'output' | 'exit'>,
  operation: DoctorOperation,
  { json }: DoctorOptions,
): Promise<void> {
  let report: DoctorReport;
  try {
    report = await operation.examine();
  } catch (error) {
    output.fail(error);
    exit(2);
    return;
  }
  const ok = isWell(report.findings);
  if (json) {
    const checks = report.findings.map(({ part, state, code, text, do: next }) => ({
      ...{ part, state, code, text: plainText(text) },
      do: next === null ? null : plainText(next),
    }));
    output.print(toJson({ ok, stripeReads: report.stripeReads, checks }));
  } else {
    for (const { text, tone } of doctorLines(report, output.columns)) output.print(text, tone);
  }
  exit(ok ? 0 : 1);
}
