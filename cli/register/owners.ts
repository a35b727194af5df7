/** `assay owners`: whose repositories the Taskless client may ask for rules for. */
import type { Command } from 'commander';
import { collect, wholeNumber, withJson, withService } from '../options.ts';
import { run } from '../run.ts';

const load = () => import('../commands/owners.ts');

export function registerOwners(program: Command): void {
  const owners = program
    .command('owners')
    .description('owners on GitHub whose repositories are served to the Taskless client');
  withJson(withService(owners.command('add')))
    .argument('<owner>', 'as in https://github.com/<owner>')
    .description('cover an owner; again, to change what is covered (needs an admin token)')
    .option('--name <name>', 'for people (default: the owner)')
    .option('--repository <name>', 'only this repository; may be given several times', collect)
    .option('--github-id <n>', 'the number GitHub gives it', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action((owner, options) => run(options, async () => (await load()).addOwner(owner, options)));
  withJson(withService(owners.command('list')))
    .description('show who is covered')
    .action((options) => run(options, async () => (await load()).listOwners(options)));
  withJson(withService(owners.command('remove')))
    .argument('<owner>', 'its name or its id')
    .description('cover an owner no more (needs an admin token)')
    .action((owner, options) => run(options, async () => (await load()).removeOwner(owner, options)));
}
