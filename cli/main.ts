/** The `assay` command: parses arguments, runs one command, exits with its code. */
import { Command, InvalidArgumentError } from 'commander';
import { CASE_TIMEOUT_MS } from '../container/protocol.ts';
import type { ExitCode } from './exit.ts';
import { fail } from './output.ts';

const program = new Command('assay')
  .description('Generates, tests and verifies signed code checks.')
  .version('0.1.0')
  .showHelpAfterError('(run with --help for usage)')
  .addHelpText(
    'after',
    '\nExit codes: 0 yes (signed, accepted, verified), 1 no, 2 no answer (usage, unreadable input, our side failed)',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

program
  .command('generate')
  .argument('<request>', 'request file (JSON): prompt and cases')
  .description('send a request to the service, follow it, and fetch the signed rule')
  .option('--out <dir>', 'write the signed rule to <dir>/<rule name>')
  .option('--server <url>', 'the service (default: ASSAY_URL, or the one "npm run dev" started)')
  .option('--token <token>', 'bearer token (default: ASSAY_TOKEN)')
  .option('--json', 'print the generation as JSON')
  .action((file, options) =>
    run(options, async () => (await import('./commands/generate.ts')).generate(file, options)),
  );

program
  .command('status')
  .argument('[generation]', 'id of a generation; without it, the latest are listed')
  .description('show generations')
  .option('--limit <n>', 'how many to list', wholeNumber(1, 100), 20)
  .option('--server <url>', 'the service')
  .option('--token <token>', 'bearer token')
  .option('--json', 'print JSON')
  .action((id, options) =>
    run(options, async () => (await import('./commands/status.ts')).status(id, options)),
  );

program
  .command('cancel')
  .argument('<generation>', 'id of a generation')
  .description('cancel a generation')
  .option('--server <url>', 'the service')
  .option('--token <token>', 'bearer token')
  .option('--json', 'print JSON')
  .action((id, options) =>
    run(options, async () => (await import('./commands/status.ts')).cancel(id, options)),
  );

program
  .command('test')
  .argument('<dir>', 'rule directory: check.ts, captures/*.yml, .tests/{valid,invalid}/<case>/')
  .description("run a rule directory's own cases in a sandbox")
  .option('--sandbox <kind>', 'where to run: host', 'host')
  .option(
    '--timeout <ms>',
    'wall clock per case in milliseconds',
    wholeNumber(500, CASE_TIMEOUT_MS),
    CASE_TIMEOUT_MS,
  )
  .option('--json', 'print the report as JSON')
  .action((directory, options) =>
    run(options, async () => (await import('./commands/test.ts')).test(directory, options)),
  );

program
  .command('verify')
  .argument('<dir>', 'rule directory with rule.sigstore.json')
  .description('check offline that every byte of a rule is what was signed, and print the evidence')
  .requiredOption('--key <file>', 'public key of the signer, SPKI PEM')
  .option('--json', 'print JSON')
  .action((directory, options) =>
    run(options, async () => (await import('./commands/verify.ts')).verify(directory, options)),
  );

async function run(options: { json?: boolean }, command: () => Promise<ExitCode>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.exitCode = fail(error, options.json === true);
  }
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`give a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

// `assay … | head` closes the pipe early; the exit code is still the command's.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await program.parseAsync();
