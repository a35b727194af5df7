/** `assay batch`: many generations under one id. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BATCH_MODES, ITEM_STATUSES, MAX_CONCURRENCY } from '../../src/schema/batch.ts';
import { collect, wholeNumber, withJson, withService } from '../options.ts';
import { run } from '../run.ts';

const MOST_LISTED = 100;

export function registerBatch(program: Command): void {
  const batch = program.command('batch').description('generate or verify many rules again, under one id');
  registerCreate(batch);
  registerReading(batch);
  registerActions(batch);
}

function registerCreate(batch: Command): void {
  withJson(withService(batch.command('create')))
    .description('start a batch: of generations, of rules, of all rules that fit a filter, or of requests')
    .addOption(
      new Option(
        '--mode <mode>',
        'regenerate: ask a model again; reverify: the same files, new evidence and signature',
      )
        .choices(BATCH_MODES)
        .makeOptionMandatory(),
    )
    .option('--generation <id>', 'a generation to repeat; may be given several times', collect)
    .option('--rule <id>', 'a rule to repeat; may be given several times', collect)
    .option('--request <file>', 'a request file to generate from; may be given several times', collect)
    .option('--all', 'every signed rule that no newer one was made of, narrowed by the filters below')
    .option('--signed-before <time>', 'filter: published before this time, ISO 8601')
    .option('--ast-grep <version>', 'filter: verified with this version of ast-grep')
    .option('--node <version>', 'filter: verified with this version of Node')
    .option('--key <id>', 'filter: signed with this key')
    .option('--written-by <model>', 'filter: written by this model')
    .option('--rule-name <name>', 'filter: rules of this name')
    .option('--name <label>', 'a label for people')
    .option('--concurrency <n>', 'most generations under way at once', wholeNumber(1, MAX_CONCURRENCY))
    .option('--cost-usd-max <usd>', 'begin nothing more when this is spent or reserved', amount)
    .option('--not-before <time>', 'begin nothing before this time, ISO 8601')
    .option('--daily <from-to>', 'begin only within these hours, UTC: 22:00-06:00', hours)
    .option('--economy', 'first attempts by the Message Batches API: cheaper and later')
    .option('--model <id>', 'another model that the service allows')
    .option('--idempotency-key <key>', 'the same key with the same wish gives the same batch')
    .option('--callback-url <url>', 'where a signed webhook tells that it ended')
    .option('--wait', 'follow it to its end')
    .action((options) =>
      run(options, async () => (await import('../commands/batch-create.ts')).createBatch(options)),
    );
}

function registerReading(batch: Command): void {
  withJson(withService(batch.command('status')))
    .argument('<batch>', 'id of a batch')
    .description('show progress, spending and what failed')
    .option('--wait', 'follow it to its end')
    .action((id, options) =>
      run(options, async () => (await import('../commands/batch.ts')).batchStatus(id, options)),
    );
  withJson(withService(batch.command('items')))
    .argument('<batch>', 'id of a batch')
    .description('list the items of a batch')
    .option('--status <list>', `only these, separated by commas: ${ITEM_STATUSES.join(', ')}`)
    .option('--after <position>', 'go on after this position', wholeNumber(0, 99_999))
    .option('--limit <n>', 'how many to list', wholeNumber(1, MOST_LISTED), MOST_LISTED)
    .action((id, options) =>
      run(options, async () => (await import('../commands/batch.ts')).batchItems(id, options)),
    );
  withJson(withService(batch.command('list')))
    .description('show batches, newest first')
    .option('--limit <n>', 'how many to list', wholeNumber(1, MOST_LISTED), 20)
    .action((options) =>
      run(options, async () => (await import('../commands/batch.ts')).listBatches(options)),
    );
}

function registerActions(batch: Command): void {
  for (const [what, description] of [
    ['pause', 'begin nothing more; what is under way runs to its end'],
    ['cancel', 'cancel it and every generation of it that has not ended'],
    ['retry-failed', 'begin the failed items again, and no others'],
  ] as const) {
    withJson(withService(batch.command(what)))
      .argument('<batch>', 'id of a batch')
      .description(description)
      .action((id, options) =>
        run(options, async () => (await import('../commands/batch.ts')).actOnBatch(id, what, options)),
      );
  }
  withJson(withService(batch.command('resume')))
    .argument('<batch>', 'id of a paused batch')
    .description('go on')
    .option('--cost-usd-max <usd>', 'a new spending cap', amount)
    .action((id, options) =>
      run(options, async () => (await import('../commands/batch.ts')).resumeBatch(id, options)),
    );
}

function amount(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+(?:\.[0-9]+)?$/.test(text) || value <= 0)
    throw new InvalidArgumentError('give an amount above 0');
  return value;
}

function hours(text: string): { dailyFrom: string; dailyTo: string } {
  const [, dailyFrom, dailyTo] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text) ?? [];
  if (dailyFrom === undefined || dailyTo === undefined) throw new InvalidArgumentError('give HH:MM-HH:MM');
  return { dailyFrom, dailyTo };
}
