/** `assay check`: signed rules on a repository. */
import { type Command, Option } from 'commander';
import { collect, wholeNumber } from '../options.ts';
import { run } from '../run.ts';
import { withTrust } from '../trust-options.ts';

const MAX_SHOWN_FINDINGS = 25_000;

const HELP = `
Rules are those of .taskless/rules/runtime/ in the nearest folder above. Each is verified before anything runs:
one that is unsigned, changed, expired or revoked, or that falls short of the policy, is never run.
Checks run in rooms without network, with the repository read-only and nothing of this environment.

Exit codes: 0 no finding, 1 findings, 2 no answer: a rule was refused or failed, files could not be read, no trust
root, no room can be built here, usage. 2 goes before 1; findings are printed all the same.`;

export function registerCheck(program: Command): void {
  withTrust(program.command('check'))
    .argument('[paths...]', 'look for matches only here (default: the whole project)')
    .description('run the signed rules of a repository on it')
    .option('--root <dir>', 'folder to start looking for .taskless in (default: here)')
    .option('--rule <name>', 'only this rule; may be given several times', collect)
    .option('--diff <base>', 'only findings in files that differ from where the work left <base>')
    .option('--timeout <seconds>', 'wall clock for each check', wholeNumber(1, 3_600), 10)
    .option(
      '--max-findings <n>',
      'how many to show; all are counted',
      wholeNumber(1, MAX_SHOWN_FINDINGS),
      1_000,
    )
    .addOption(
      new Option('--fail-on <severity>', 'least serious finding that gives exit code 1')
        .choices(['error', 'warning', 'info'])
        .default('info'),
    )
    .option('--ignore-unsigned', 'list unsigned rules without failing; they are not run either way')
    .option('--explain <rule>', 'print the evidence of one rule, as "assay verify" does, and run nothing')
    .addOption(new Option('--json', 'print one JSON document').conflicts('sarif'))
    .option('--sarif', 'print SARIF 2.1.0')
    .option('--output <file>', 'write the JSON or SARIF there, and print for people')
    .addHelpText('after', HELP)
    .action((paths, options) =>
      run(options, async () => (await import('../commands/check.ts')).check(paths, options)),
    );
}
