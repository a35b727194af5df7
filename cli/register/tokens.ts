/** `assay tokens`: who may use the service, and for what. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MAX_TOKEN_DAYS, SCOPES, type Scope } from '../../src/schema/tokens.ts';
import { wholeNumber, withJson, withService } from '../options.ts';
import { run } from '../run.ts';

const MOST_LISTED = 100;

export function registerTokens(program: Command): void {
  const tokens = program
    .command('tokens')
    .description('make, list and revoke API tokens (needs an admin token)');
  withJson(withService(tokens.command('create')))
    .argument('<name>', 'what it is for')
    .description('make a token and print it; it is shown this once')
    .addOption(
      new Option('--scope <scope>', `what it may do: ${SCOPES.join(', ')}; may be given several times`)
        .argParser(collectScope)
        .makeOptionMandatory(),
    )
    .option('--days <n>', 'days until it expires (default: never)', wholeNumber(1, MAX_TOKEN_DAYS))
    .action((name, options) =>
      run(options, async () => (await import('../commands/tokens.ts')).createToken(name, options)),
    );
  withJson(withService(tokens.command('list')))
    .description('show tokens, newest first')
    .option('--limit <n>', 'how many to list', wholeNumber(1, MOST_LISTED), MOST_LISTED)
    .action((options) =>
      run(options, async () => (await import('../commands/tokens.ts')).listTokens(options)),
    );
  withJson(withService(tokens.command('revoke')))
    .argument('<token-id>', 'id of a token, as "assay tokens list" shows it')
    .description('revoke a token, at once and for good')
    .action((id, options) =>
      run(options, async () => (await import('../commands/tokens.ts')).revokeToken(id, options)),
    );
}

function collectScope(value: string, earlier: readonly Scope[] | undefined): Scope[] {
  const scope = SCOPES.find((one) => one === value);
  if (scope === undefined) throw new InvalidArgumentError(`give one of ${SCOPES.join(', ')}`);
  return [...(earlier ?? []), scope];
}
