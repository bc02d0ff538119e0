/** The demonstration begins: what it is stands there before what it runs is loaded, which takes a second or two. */
import { demoIntroduction } from '../../views/demo-text.js';
import type { AppEnvironment } from '../commands/command-environment.js';
import type { DemoOptions } from './shop.js';

/** The exit code, as `runDemoShop` answers it. */
export async function runDemo(environment: AppEnvironment, options: DemoOptions): Promise<0 | 1> {
  for (const line of demoIntroduction(options.payments)) environment.output.print(line);
  const { runDemoShop } = await import('./shop.js');
  return runDemoShop(environment, options);
}
