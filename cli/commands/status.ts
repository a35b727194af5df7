/** `assay status [ID]`: the latest generations, or one of them with its attempts. */
import colors from 'picocolors';
import { isGood } from '../../src/rules/case-status.ts';
import { type Attempt, type Generation, type GenerationDetail, hasEnded } from '../../src/schema/api.ts';
import { ApiClient, type GenerationFilter } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { plain, print, printJson } from '../output.ts';

export interface StatusOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly limit: number;
  readonly failing?: boolean;
  readonly status?: string;
  readonly rule?: string;
  readonly text?: string;
}

export async function status(id: string | undefined, options: StatusOptions): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  if (id === undefined) {
    const generations = await client.list(filterOf(options));
    if (options.json === true) printJson({ generations });
    else if (generations.length === 0) print('no such generations');
    else for (const one of generations) print(listLine(one));
    return EXIT.ok;
  }
  const generation = await client.get(id);
  if (options.json === true) printJson(generation);
  else printDetail(generation);
  return EXIT.ok;
}

function filterOf({ limit, failing, status, rule, text }: StatusOptions): GenerationFilter {
  return { limit, status, rule, text, ...(failing === true ? { failing: 'true' } : {}) };
}

export async function cancel(id: string, options: ConnectionOptions & { json?: boolean }): Promise<ExitCode> {
  const generation = await new ApiClient(findConnection(options)).cancel(id);
  if (options.json === true) printJson(generation);
  else printDetail(generation);
  return EXIT.ok;
}

function listLine(one: Generation): string {
  const where = hasEnded(one.status)
    ? ''
    : ` ${one.step} ${one.attempt}/${one.attemptsMax}, ${one.cases.passed}/${one.cases.total} cases`;
  const engine = one.engine === null ? '' : ` ${one.engine}`;
  return `${one.id}  ${statusText(one)}${where}${engine}  ${plain(one.name ?? one.prompt.slice(0, 60))}`;
}

function printDetail(one: GenerationDetail): void {
  print(`${one.id}  ${statusText(one)}  ${plain(one.name ?? '')}`);
  if (one.reason !== null) print(`  ${plain(one.reason.message)} (${one.reason.code})`);
  if (!hasEnded(one.status))
    print(
      `  at ${one.step}, attempt ${one.attempt} of ${one.attemptsMax}, ${one.cases.passed} of ${one.cases.total} cases pass`,
    );
  if (one.engine !== null) print(`  ${engineText(one.engine, one.engineReason)}`);
  for (const attempt of one.attempts) printAttempt(attempt);
  const cost = one.spend.costUsd === null ? 'cost unknown' : `${one.spend.costUsd.toFixed(4)} USD`;
  const lost = one.spend.unanswered === 0 ? '' : ` and ${one.spend.unanswered} without an answer`;
  print(
    `  ${one.spend.calls} model calls${lost}, ${one.spend.inputTokens} tokens in, ${one.spend.outputTokens} out, ${cost}`,
  );
  if (one.ruleId !== null) print(`  rule ${one.ruleId}`);
  if (one.retryOf !== null) print(`  retry of ${one.retryOf}`);
  for (const id of one.retriedBy) print(`  retried by ${id}`);
}

function engineText(engine: string, why: string | null): string {
  return `engine ${engine}${why === null ? '' : `: ${plain(why)}`}`;
}

function printAttempt(attempt: Attempt): void {
  print(
    `  attempt ${attempt.n}: ${attempt.verdict ?? 'under way'}${attempt.summary === null ? '' : ` - ${plain(attempt.summary)}`}`,
  );
  for (const one of attempt.cases.filter((item) => !isGood(item.status))) {
    print(`    ${colors.red('✗')} ${one.kind} ${plain(one.name)}: ${one.status} ${plain(one.message ?? '')}`);
  }
}

function statusText(one: Generation): string {
  if (one.status === 'signed') return colors.green(one.status);
  return hasEnded(one.status) ? colors.red(one.status) : colors.cyan(one.status);
}
