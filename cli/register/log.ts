/** `assay log`: a log of published bundles, watched and asked. */
import type { Command } from 'commander';
import { withJson } from '../options.ts';
import { run } from '../run.ts';

const HELP = '\nExit codes: 0 yes, 1 no (refused), 2 no answer (usage, unreadable, not reachable)';
const WHERE = 'URL or directory of the log (default: beside the newer checkpoint, else <service>/log)';

function withLogKey(command: Command): Command {
  return command
    .option('--log-key <file>', "the log's key as one line, <origin>+<id>+<key>")
    .option(
      '--trust <dir>',
      'trust root that names the log (default: ASSAY_TRUST, or ~/.config/assay/trust)',
    );
}

export function registerLog(program: Command): void {
  const log = program
    .command('log')
    .description('watch the log of published bundles, and see that a bundle is in it');

  withJson(withLogKey(log.command('verify')))
    .argument('<old>', 'earlier checkpoint: file or URL')
    .argument('<new>', 'later checkpoint: file or URL')
    .description('check that the log only grew between two checkpoints')
    .option('--log <url|dir>', WHERE)
    .addHelpText('after', HELP)
    .action((older, newer, options) =>
      run(options, async () => (await import('../commands/log.ts')).verifyLog(older, newer, options)),
    );

  withJson(withLogKey(log.command('checkpoint')))
    .description('fetch what the log signs now; keep it, to verify a later one against it')
    .option('--log <url|dir>', 'URL or directory of the log (default: <service>/log)')
    .option('--out <file>', 'write the checkpoint to a new file')
    .addHelpText('after', HELP)
    .action((options) =>
      run(options, async () => (await import('../commands/log.ts')).showCheckpoint(options)),
    );

  withJson(withLogKey(log.command('proof')))
    .argument('<dir>', 'rule directory with rule.sigstore.json and rule.tlog-proof')
    .description('check offline that a rule is in the log')
    .addHelpText('after', HELP)
    .action((directory, options) =>
      run(options, async () => (await import('../commands/log.ts')).checkProof(directory, options)),
    );
}
