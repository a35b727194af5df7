/** The `assay` command: parses arguments, runs one command, exits with its code. */
import { Command } from 'commander';
import { z } from 'zod';
import { CASE_TIMEOUT_MS } from '../container/protocol.ts';
import { collect, sandboxOption, wholeNumber, withJson, withService } from './options.ts';
import { registerBatch } from './register/batch.ts';
import { registerCheck } from './register/check.ts';
import { registerExport } from './register/export.ts';
import { registerInstall } from './register/install.ts';
import { registerKeys } from './register/keys.ts';
import { registerLog } from './register/log.ts';
import { registerOperate } from './register/operate.ts';
import { registerOwners } from './register/owners.ts';
import { registerRetry } from './register/retry.ts';
import { registerTokens } from './register/tokens.ts';
import { registerTrust } from './register/trust.ts';
import { registerWebhooks } from './register/webhooks.ts';
import { run } from './run.ts';
import { withTrust } from './trust-options.ts';
import { VERSION } from './version.ts';

// A command parses a handful of documents once: compiling the parsers costs more than it saves (5 ms a bundle).
z.config({ jitless: true });

const program = new Command('assay')
  .description('Generates, tests and verifies signed code checks.')
  .version(VERSION)
  .showHelpAfterError('(run with --help for usage)')
  .addHelpText(
    'after',
    '\nExit codes: 0 yes (signed, accepted, verified, replayed the same), 1 no, 2 no answer (usage, unreadable input, our side failed)',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

withJson(withService(program.command('generate')))
  .argument('<request>', 'request file (JSON): prompt and cases')
  .description('send a request to the service, follow it, and fetch the signed rule')
  .option('--out <dir>', 'write the signed rule to <dir>/<rule name>')
  .option('--idempotency-key <key>', 'the same key with the same request gives the same generation')
  .option('--callback-url <url>', 'where a signed webhook tells how it ended')
  .action((file, options) =>
    run(options, async () => (await import('./commands/generate.ts')).generate(file, options)),
  );

withJson(withService(program.command('status')))
  .argument('[generation]', 'id of a generation; without it, the latest are listed')
  .description('show generations')
  .option('--limit <n>', 'how many to list', wholeNumber(1, 100), 20)
  .option('--failing', 'list only live ones whose attempt was rejected or whose step is tried again')
  .option('--status <list>', 'list only these, separated by commas')
  .option('--rule <name>', 'list only those of this rule')
  .option('--text <words>', 'list only those with this in the prompt or the name')
  .action((id, options) =>
    run(options, async () => (await import('./commands/status.ts')).status(id, options)),
  );

withJson(withService(program.command('cancel')))
  .argument('<generation>', 'id of a generation')
  .description('cancel a generation')
  .action((id, options) =>
    run(options, async () => (await import('./commands/status.ts')).cancel(id, options)),
  );

withJson(withService(program.command('replay')))
  .argument('<generation>', 'id of a generation')
  .description('run what a generation stored again, here, and say whether it comes out the same')
  .option('--attempt <n>', 'which attempt (default: the last with a rule)', wholeNumber(1, 1_000))
  .option('--case <name>', 'only this case; may be given several times', collect)
  .addOption(sandboxOption('where to run (default: where it was verified, else host)'))
  .option('--watch', 'run a local copy, and again whenever it is edited')
  .option('--dir <path>', 'the local copy (default: .assay/replay/<generation>-<attempt>/<rule name>)')
  .option('--fresh', 'write the local copy anew, over edits')
  .action((id, options) =>
    run(options, async () => (await import('./commands/replay.ts')).replay(id, options)),
  );

withJson(program.command('test'))
  .argument('<dir>', 'rule directory: check.ts, captures/*.yml, .tests/{valid,invalid}/<case>/')
  .description("run a rule directory's own cases in a sandbox")
  .addOption(sandboxOption('where to run', 'host'))
  .option(
    '--timeout <ms>',
    'wall clock per case in milliseconds',
    wholeNumber(500, CASE_TIMEOUT_MS),
    CASE_TIMEOUT_MS,
  )
  .option('--verbose', 'show matches, findings, errors and console of every case')
  .action((directory, options) =>
    run(options, async () => (await import('./commands/test.ts')).test(directory, options)),
  );

withJson(withTrust(program.command('verify')))
  .argument('<dirs...>', 'rule directories with rule.sigstore.json')
  .description('check offline that every byte of a rule is what was signed, and print the evidence')
  .addHelpText(
    'after',
    '\nExit codes: 0 verified, 1 refused, 2 cannot be judged (unreadable, unknown version, no trust)',
  )
  .action((directories, options) =>
    run(options, async () => (await import('./commands/verify.ts')).verify(directories, options)),
  );

registerCheck(program);
registerExport(program);
registerInstall(program);
registerKeys(program);
registerLog(program);
registerOwners(program);
registerTrust(program);
registerRetry(program);
registerBatch(program);
registerTokens(program);
registerWebhooks(program);
registerOperate(program);

// `assay … | head` closes the pipe early; the exit code is still the command's.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await program.parseAsync();
