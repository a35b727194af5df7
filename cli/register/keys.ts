/** The `assay keys` group: the operator's keys, trust root and revocation list. */
import type { Command } from 'commander';
import { DEFAULT_KEY_DIRECTORY } from '../keys/key-directory.ts';
import { collect, wholeNumber, withJson, withService } from '../options.ts';
import { run } from '../run.ts';

const load = () => import('../commands/keys.ts');
const loadDocuments = () => import('../commands/keys-documents.ts');
const days = wholeNumber(1, 3_650);

export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description("an operator's keys: make, rotate, revoke, and issue the documents that say so")
    .addHelpText(
      'after',
      '\nExit codes: 0 issued, 1 waits for more signatures, 2 no answer (usage, unreadable)',
    );

  withLog(withDirectory(keys.command('init')))
    .description('make root keys, a revocation key, a signing key, and the first trust root')
    .option('--root-keys <n>', 'how many root keys', wholeNumber(1, 16), 1)
    .option(
      '--threshold <n>',
      'how many of them change the root (default: more than half)',
      wholeNumber(1, 16),
    )
    .option('--valid-days <n>', 'how long a root counts', days, 365)
    .option('--revocations-max-age-days <n>', 'how old a revocation list may be', days, 30)
    .option('--name <name>', 'what the root calls the signing key')
    .option('--signing-key <file>', 'a signing key that is in use already (PKCS#8 PEM)')
    .action((options) => run(options, async () => (await load()).init(options)));

  withDirectory(keys.command('list'))
    .description('show keys, their times and states, and how fresh the documents are')
    .action((options) => run(options, async () => (await load()).list(options)));

  withDirectory(keys.command('rotate'))
    .description('make a new signing key; what the old ones signed still verifies')
    .option('--overlap-hours <n>', 'how long the old key still counts', wholeNumber(0, 24 * 365), 24)
    .option('--name <name>', 'what the root calls the new key')
    .option('--signing-key <file>', 'a key that was made elsewhere (PKCS#8 PEM)')
    .action((options) => run(options, async () => (await load()).rotate(options)));

  withLog(withDirectory(keys.command('renew')))
    .description('issue the next trust root: a later end, other document keys, another log')
    .option('--valid-days <n>', 'how long it counts (default: as long as the last one)', days)
    .option('--revocations-max-age-days <n>', 'how old a revocation list may be', days)
    .option(
      '--replace <key>',
      'a root or revocation key, by id or file name, that leaves for a new one',
      collect,
    )
    .option('--add-root-keys <n>', 'how many root keys come in addition', wholeNumber(1, 15))
    .option('--threshold <n>', 'how many root keys change the root from then on', wholeNumber(1, 16))
    .action((options) => run(options, async () => (await load()).renew(options)));

  withDirectory(keys.command('revoke'))
    .description('nothing a key signed, or one bundle, counts any more')
    .option('--key <id>', 'key id or name of a signer; may be given several times', collect)
    .option(
      '--bundle <sha256>',
      'SHA-256 of a bundle file, or a rule directory; may be given several times',
      collect,
    )
    .requiredOption('--reason <text>', 'one line that is shown wherever it is refused')
    .action((options) => run(options, async () => (await load()).revokeCommand(options)));

  withDirectory(keys.command('refresh'))
    .description('issue the revocation list again, so that it stays fresh')
    .action((options) => run(options, async () => (await load()).refresh(options)));

  withDirectory(keys.command('sign'))
    .argument('[file]', 'document that lacks signatures (default: the one that waits here)')
    .description('add the signatures of the private keys that are here')
    .action((file, options) => run(options, async () => (await loadDocuments()).sign(file, options)));

  withDirectory(keys.command('export'))
    .description('write the public documents, every root included, for consumers')
    .requiredOption('--out <dir>', 'where to')
    .action((options) => run(options, async () => (await loadDocuments()).exportKeys(options)));

  withService(withDirectory(keys.command('publish')))
    .description('hand the public documents to a service, which serves them at /v1/keys')
    .action((options) => run(options, async () => (await loadDocuments()).publish(options)));
}

function withDirectory(command: Command): Command {
  return withJson(command).option('--dir <dir>', 'key directory', DEFAULT_KEY_DIRECTORY);
}

function withLog(command: Command): Command {
  return command
    .option('--log-origin <name>', 'name of the transparency log that is trusted')
    .option('--log-key <file>', 'its public key (SPKI PEM)');
}
