/** `assay batch create`: the options as the API's body. What does not go together the service refuses. */
import type { BatchFilter, BatchMode } from '../../src/schema/batch.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { type ExitCode, UsageError } from '../exit.ts';
import { note } from '../output.ts';
import { show, untilDone } from './batch.ts';
import { readRequest } from './generate.ts';

export interface CreateOptions extends ConnectionOptions {
  readonly mode: BatchMode;
  readonly generation?: string[];
  readonly rule?: string[];
  readonly request?: string[];
  readonly all?: boolean;
  readonly signedBefore?: string;
  readonly astGrep?: string;
  readonly node?: string;
  readonly key?: string;
  readonly writtenBy?: string;
  readonly ruleName?: string;
  readonly name?: string;
  readonly concurrency?: number;
  readonly costUsdMax?: number;
  readonly notBefore?: string;
  readonly daily?: { readonly dailyFrom: string; readonly dailyTo: string };
  readonly economy?: boolean;
  readonly model?: string;
  readonly idempotencyKey?: string;
  readonly callbackUrl?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export async function createBatch(options: CreateOptions): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  const {
    mode,
    generation: generations,
    rule: rules,
    name,
    concurrency,
    costUsdMax,
    economy,
    model,
    callbackUrl,
  } = options;
  const requests = options.request && (await Promise.all(options.request.map((file) => readRequest(file))));
  const filter = filterOf(options);
  if (filter === undefined && generations === undefined && rules === undefined && requests === undefined) {
    throw new UsageError(
      'NOTHING_CHOSEN',
      'say what the batch is of',
      'give --generation, --rule, --request, --all or a filter',
    );
  }
  const window =
    options.notBefore === undefined && options.daily === undefined
      ? undefined
      : { notBefore: options.notBefore, ...options.daily };
  // What was not given is left out of the JSON.
  const wishes = { name, concurrency, costUsdMax, economy, model, window, callbackUrl };
  const made = await client.createBatch(
    { mode, generations, rules, filter, requests, ...wishes },
    options.idempotencyKey,
  );
  note(`batch ${made.id}: ${made.items} items`);
  return options.wait === true ? untilDone(client, made.id, options) : show(made, options);
}

/** `undefined` when neither --all nor a filter was given. */
function filterOf(options: CreateOptions): BatchFilter | undefined {
  const { signedBefore, astGrep, node, key: keyId, writtenBy: model, ruleName: name } = options;
  const filter = { signedBefore, astGrep, node, keyId, model, name };
  const given = options.all === true || Object.values(filter).some((value) => value !== undefined);
  return given ? filter : undefined;
}
