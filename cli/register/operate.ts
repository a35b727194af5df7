/** What whoever runs a service asks of it: is it well, and what does it take. */
import type { Command } from 'commander';
import { withJson, withService } from '../options.ts';
import { run } from '../run.ts';

export function registerOperate(program: Command): void {
  withJson(withService(program.command('health')))
    .description('every part of the service, what is wrong and what to do (needs an admin token)')
    .addHelpText('after', '\nExit codes: 0 it works, 1 a part is down, 2 no answer')
    .action((options) => run(options, async () => (await import('../commands/health.ts')).health(options)));
  withJson(withService(program.command('metrics')))
    .description('what generations took: ends, attempts, cost, sandbox time, steps')
    .option('--since <time>', 'ended then or later, ISO 8601 (default: 7 days before the end)')
    .option('--until <time>', 'ended before (default: now)')
    .action((options) => run(options, async () => (await import('../commands/metrics.ts')).metrics(options)));
  registerDeletion(program);
}

function registerDeletion(program: Command): void {
  withJson(withService(program.command('delete')))
    .argument('<generation>', 'id of a generation that has ended')
    .description('delete what the service stores of a generation (needs an admin token)')
    .option('--rule', 'also when it is signed, and then its rule too')
    .option('--yes', 'do it')
    .action((id, options) =>
      run(options, async () => (await import('../commands/delete.ts')).deleteGeneration(id, options)),
    );
  const org = program.command('org').description('the organisation of the token (needs an admin token)');
  withJson(withService(org.command('show')))
    .description('its id, and whether it is being deleted')
    .action((options) =>
      run(options, async () => (await import('../commands/delete.ts')).showOrganisation(options)),
    );
  withJson(withService(org.command('delete')))
    .argument('<organisation>', 'its id, so that none is deleted by mistake')
    .description('delete everything the service stores of it, for good')
    .option('--yes', 'do it')
    .action((id, options) =>
      run(options, async () => (await import('../commands/delete.ts')).deleteOrganisation(id, options)),
    );
}
