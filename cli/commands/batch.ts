/** `assay batch status|items|list|pause|resume|cancel|retry-failed`. */
import { setTimeout as wait } from 'node:timers/promises';
import colors from 'picocolors';
import type { Batch, BatchDetail, BatchItem } from '../../src/schema/batch.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { note, plain, print, printJson } from '../output.ts';

interface JsonOptions extends ConnectionOptions {
  readonly json?: boolean;
}

const LOOK_EVERY_MS = 2_000;

export async function batchStatus(
  id: string,
  options: JsonOptions & { readonly wait?: boolean },
): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  return options.wait === true ? untilDone(client, id, options) : show(await client.batch(id), options);
}

/** Follows a batch until it has ended or is paused. 0 when every item is signed. */
export async function untilDone(client: ApiClient, id: string, options: JsonOptions): Promise<ExitCode> {
  let last = '';
  for (;;) {
    const batch = await client.batch(id);
    const line = progressOf(batch);
    if (line !== last) note(line);
    last = line;
    if (batch.status !== 'running') {
      show(batch, options);
      return batch.progress.signed === batch.items ? EXIT.ok : EXIT.no;
    }
    await wait(LOOK_EVERY_MS);
  }
}

export async function batchItems(
  id: string,
  options: JsonOptions & { readonly status?: string; readonly after?: number; readonly limit: number },
): Promise<ExitCode> {
  const { status, after, limit } = options;
  const cursor = after === undefined ? undefined : String(after);
  const items = await new ApiClient(findConnection(options)).batchItems(id, { status, cursor, limit });
  if (options.json === true) printJson({ items });
  else if (items.length === 0) print('no such items');
  else for (const one of items) print(itemLine(one));
  return EXIT.ok;
}

export async function listBatches(options: JsonOptions & { readonly limit: number }): Promise<ExitCode> {
  const batches = await new ApiClient(findConnection(options)).batches(options.limit);
  if (options.json === true) printJson({ batches });
  else if (batches.length === 0) print('no batches');
  else for (const one of batches) print(headLine(one));
  return EXIT.ok;
}

export async function actOnBatch(
  id: string,
  what: 'pause' | 'cancel' | 'retry-failed',
  options: JsonOptions,
): Promise<ExitCode> {
  return show(await new ApiClient(findConnection(options)).actOnBatch(id, what), options);
}

export async function resumeBatch(
  id: string,
  options: JsonOptions & { readonly costUsdMax?: number },
): Promise<ExitCode> {
  return show(await new ApiClient(findConnection(options)).resumeBatch(id, options.costUsdMax), options);
}

export function show(batch: BatchDetail, options: JsonOptions): ExitCode {
  if (options.json === true) {
    printJson(batch);
    return EXIT.ok;
  }
  print(headLine(batch));
  print(`  ${progressOf(batch)}`);
  if (batch.reason !== null) print(`  ${plain(batch.reason.message)} (${batch.reason.code})`);
  if (batch.shutUntil !== null) print(`  the window is shut until ${batch.shutUntil}`);
  const spent = batch.spend.costUsd === null ? 'cost unknown' : `${batch.spend.costUsd.toFixed(4)} USD`;
  print(`  ${spent}${batch.costUsdMax === null ? '' : ` of at most ${batch.costUsdMax} USD`}`);
  const { failed, rejected, errored } = batch.progress;
  if (failed + rejected + errored > 0) {
    print(`  "assay batch items ${batch.id} --status failed,rejected,errored" shows what failed`);
  }
  return EXIT.ok;
}

function headLine(one: Batch): string {
  return `${one.id}  ${statusText(one.status)}  ${one.mode}  ${one.items} items  ${plain(one.name ?? '')}`.trimEnd();
}

function progressOf({ progress, eta }: BatchDetail): string {
  const { waiting, underWay, signed, failed, rejected, errored, cancelled } = progress;
  const parts = [
    `${signed} signed`,
    `${failed + rejected} failed`,
    ...(errored > 0 ? [`${errored} errored`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    `${underWay} under way`,
    `${waiting} waiting`,
    ...(eta === null ? [] : [`done about ${eta}`]),
  ];
  return parts.join(', ');
}

function itemLine(one: BatchItem): string {
  const source = one.sourceRule ?? one.sourceGeneration ?? 'request';
  const why = one.reason === null ? '' : `  ${plain(one.reason.message)} (${one.reason.code})`;
  return `${one.position}  ${one.status}  ${source} → ${one.generationId ?? '-'}${why}`;
}

function statusText(status: Batch['status']): string {
  if (status === 'done') return colors.green(status);
  return status === 'running' ? status : colors.yellow(status);
}
