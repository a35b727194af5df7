/** `assay install`: a signed rule into a repository. */
import type { Command } from 'commander';
import { withJson, withService } from '../options.ts';
import { run } from '../run.ts';
import { withTrust } from '../trust-options.ts';

const HELP = `
The layout is what .taskless/taskless.json of the repository asks for: 1 to 3, or 5. What is there already is replaced
only when it is a signed rule as it was signed; anything else needs --force.

Exit codes: 0 installed (also when it was before), 1 the rule is refused, 2 no answer (usage, trust, files in the way)`;

export function registerInstall(program: Command): void {
  withJson(withService(withTrust(program.command('install'))))
    .argument('<id>', 'id of a rule or of its generation, or the UUID that the Taskless client was given')
    .description(
      'verify a signed rule and write it into a repository, for "taskless check" and "assay check"',
    )
    .option('--dir <repository>', 'folder that has .taskless', '.')
    .option('--init', 'make .taskless (layout 5) where there is none')
    .option('--force', 'replace what somebody edited')
    .addHelpText('after', HELP)
    .action((id, options) =>
      run(options, async () => (await import('../commands/install.ts')).install(id, options)),
    );
}
