/** `assay webhooks`: secrets that webhooks are signed with, and what became of webhooks. */
import type { Command } from 'commander';
import { wholeNumber, withJson, withService } from '../options.ts';
import { run } from '../run.ts';

const MOST_LISTED = 100;

export function registerWebhooks(program: Command): void {
  const webhooks = program.command('webhooks').description('sign, follow and repeat webhooks');
  registerSecrets(webhooks);
  withJson(withService(webhooks.command('deliveries')))
    .argument('[delivery]', 'id of a webhook, to see every attempt; without it, the latest are listed')
    .description('show what became of webhooks')
    .option('--generation <id>', 'list only that of this generation')
    .option('--batch <id>', 'list only that of this batch')
    .option('--status <list>', 'list only these, separated by commas')
    .option('--limit <n>', 'how many to list', wholeNumber(1, MOST_LISTED), 20)
    .action((id, options) =>
      run(options, async () => (await import('../commands/webhooks.ts')).deliveries(id, options)),
    );
  withJson(withService(webhooks.command('retry')))
    .argument('<delivery>', 'id of a webhook')
    .description('deliver a webhook again, now: the same id and the same body')
    .action((id, options) =>
      run(options, async () => (await import('../commands/webhooks.ts')).retryDelivery(id, options)),
    );
}

function registerSecrets(webhooks: Command): void {
  const secret = webhooks
    .command('secret')
    .description('make, list and revoke the secrets that webhooks are signed with (needs an admin token)');
  withJson(withService(secret.command('create')))
    .description('make a secret and print it; it is shown this once. Two at once may be active')
    .action((options) =>
      run(options, async () => (await import('../commands/webhooks.ts')).createSecret(options)),
    );
  withJson(withService(secret.command('list')))
    .description('show secrets, newest first, without what they are')
    .option('--limit <n>', 'how many to list', wholeNumber(1, MOST_LISTED), MOST_LISTED)
    .action((options) =>
      run(options, async () => (await import('../commands/webhooks.ts')).listSecrets(options)),
    );
  withJson(withService(secret.command('revoke')))
    .argument('<secret-id>', 'id of a secret, as "assay webhooks secret list" shows it')
    .description('revoke a secret: nothing is signed with it any more')
    .action((id, options) =>
      run(options, async () => (await import('../commands/webhooks.ts')).revokeSecret(id, options)),
    );
}
