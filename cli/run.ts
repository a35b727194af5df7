/** How every command ends: with its exit code, or with one line that says what to mend. */
import type { ExitCode } from './exit.ts';
import { fail } from './output.ts';

export async function run(options: { json?: boolean }, command: () => Promise<ExitCode>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.exitCode = fail(error, options.json === true);
  }
}
