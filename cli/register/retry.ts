/** `assay retry`: a new generation of one that has ended. */
import type { Command } from 'commander';
import { wholeNumber, withJson, withService } from '../options.ts';
import { run } from '../run.ts';

const MOST_ATTEMPTS = 10;

export function registerRetry(program: Command): void {
  withJson(withService(program.command('retry')))
    .argument('<generation>', 'id of a generation that has ended')
    .description(
      'generate again, as a new generation linked to that one; follow it, and fetch the signed rule',
    )
    .option('--guidance <text>', 'advice for the model, shown beside the request')
    .option('--attempts <n>', 'most attempts of the new one', wholeNumber(1, MOST_ATTEMPTS))
    .option('--model <id>', 'another model that the service allows')
    .option(
      '--from-attempt <n>',
      'go on from the reply of this attempt and the feedback it got',
      wholeNumber(1, MOST_ATTEMPTS),
    )
    .option('--force', 'also when it, or a retry of it, is signed')
    .option('--out <dir>', 'write the signed rule to <dir>/<rule name>')
    .action((id, options) =>
      run(options, async () => (await import('../commands/retry.ts')).retry(id, options)),
    );
}
