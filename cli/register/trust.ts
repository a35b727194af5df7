/** The `assay trust` group: whom to trust, on the consumer's machine. */
import type { Command } from 'commander';
import { withJson } from '../options.ts';
import { run } from '../run.ts';

export function registerTrust(program: Command): void {
  const trust = program
    .command('trust')
    .description('choose whose signatures count here, and keep that up to date');

  withJson(trust.command('init'))
    .argument('<source>', 'directory ("assay keys export"), or URL of a service')
    .description('trust a first root; newer ones must then be signed by the keys before')
    .option('--trust <dir>', TRUST)
    .option(
      '--expect <sha256>',
      'fingerprint it must have, or one before it in its chain; needed without a terminal',
    )
    .addHelpText('after', CODES)
    .action((source, options) =>
      run(options, async () => (await import('../commands/trust.ts')).initTrust(source, options)),
    );

  withJson(trust.command('update'))
    .argument('[source]', 'directory or URL (default: where the last one came from)')
    .description('take newer documents, if they are signed by whom is trusted already')
    .option('--trust <dir>', TRUST)
    .addHelpText('after', CODES)
    .action((source, options) =>
      run(options, async () => (await import('../commands/trust.ts')).updateTrust(source, options)),
    );

  withJson(trust.command('show'))
    .description('show who is trusted, until when, and what was revoked')
    .option('--trust <dir>', TRUST)
    .addHelpText('after', '\nExit codes: 0 usable, 2 not usable, with the reason')
    .action((options) => run(options, async () => (await import('../commands/trust.ts')).showTrust(options)));
}

const TRUST = 'trust directory (default: ASSAY_TRUST, or ~/.config/assay/trust)';
const CODES =
  '\nExit codes: 0 trusted, 1 refused (nothing is changed), 2 no answer (usage, unreachable, unreadable)';
