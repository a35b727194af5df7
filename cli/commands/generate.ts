/** `assay generate FILE`: sends a request, follows it to its end, and writes the signed rule where asked. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import colors from 'picocolors';
import { z } from 'zod';
import type { GenerationDetail } from '../../src/schema/api.ts';
import { pathProblem } from '../../src/schema/path.ts';
import { type RuleRequest, requestSchema } from '../../src/schema/request.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { follow } from '../follow.ts';
import { note, print, printJson } from '../output.ts';
import { refuseTaken, writeTree } from '../write-tree.ts';

export interface GenerateOptions extends ConnectionOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
  readonly callbackUrl?: string;
}

export async function generate(file: string, options: GenerateOptions): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  const request = await readRequest(file, options);
  const { out, idempotencyKey } = options;
  // Said before anything is paid for. With a key it may be the very rule that is there already.
  if (out !== undefined && request.name !== undefined && idempotencyKey === undefined)
    await refuseTaken(join(out, request.name));
  const created = await client.create(request, idempotencyKey);
  note(`generation ${created.id}`);
  return untilEnded(client, created.id, options);
}

/** Follows a generation to its end, writes its rule where asked, and says how it ended. */
export async function untilEnded(
  client: ApiClient,
  id: string,
  options: Pick<GenerateOptions, 'out' | 'json'>,
): Promise<ExitCode> {
  const goOn = () => {
    note(`\nstill running on the service: "assay status ${id}" shows it, "assay cancel ${id}" stops it`);
    process.exit(130);
  };
  process.once('SIGINT', goOn);
  const ended = await follow(client, id, (line) => note(line)).catch((error: unknown) => {
    note(`the generation goes on where the service does: "assay status ${id}" shows it`);
    throw error;
  });
  process.off('SIGINT', goOn);
  const wanted = ended.ruleId !== null && options.out !== undefined;
  const written = wanted ? await writeRule(client, ended.ruleId ?? '', options.out ?? '') : null;
  if (options.json === true) printJson(written === null ? ended : { ...ended, directory: written });
  else if (written !== null) print(written);
  else if (ended.ruleId !== null) print(ended.ruleId);
  return exitOf(ended);
}

/** Checked here too, so that a mistake is named without a service. */
export async function readRequest(
  file: string,
  { callbackUrl }: Pick<GenerateOptions, 'callbackUrl'> = {},
): Promise<RuleRequest> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new UsageError('NO_REQUEST', `cannot read ${file}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError('MALFORMED_JSON', `${file} is not JSON: ${(error as Error).message}`);
  }
  const more = callbackUrl === undefined ? {} : { callbackUrl };
  const parsed = requestSchema.safeParse(isObject(value) ? { ...value, ...more } : value);
  if (parsed.success) return parsed.data;
  throw new UsageError(
    'INVALID_REQUEST',
    `${file} is not a request`,
    z.prettifyError(parsed.error).replaceAll('\n', '\n  '),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Writes into `out/<rule name>`, never over files that differ; returns that directory. */
export async function writeRule(client: ApiClient, ruleId: string, out: string): Promise<string> {
  const rule = await client.rule(ruleId);
  const directory = join(out, rule.name);
  if (pathProblem(rule.name) !== null)
    throw new UsageError('BAD_ANSWER', 'the service sent a rule name that is not a file name');
  await writeTree(directory, rule.files);
  note(colors.dim(`wrote ${Object.keys(rule.files).length} files`));
  return directory;
}

function exitOf(generation: GenerationDetail): ExitCode {
  if (generation.status === 'signed') return EXIT.ok;
  return generation.status === 'errored' ? EXIT.unknown : EXIT.no;
}
