/** Serves the empty Worker the way the local stack serves ours, so that both are measured behind the same program. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, startGuarded } from '../../dev/processes.ts';
import { wranglerEnv } from '../../dev/wrangler-env.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WRANGLER = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
const START_TIMEOUT_MS = 60_000;
/** As often as a batch looks. Ten times as often adds 0.05 MiB to each instance, which is the asking's, not the engine's. */
const POLL_MS = 500;

export interface EmptyWorker {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startEmptyWorker(scratch: string): Promise<EmptyWorker> {
  const directory = await mkdtemp(join(scratch, 'empty-'));
  const config = join(directory, 'wrangler.json');
  await writeFile(
    config,
    JSON.stringify({
      name: 'empty',
      main: join(ROOT, 'bench/load/empty-worker.ts'),
      compatibility_date: '2026-10-20',
      workflows: [{ binding: 'EMPTY', name: 'empty', class_name: 'Empty' }],
      d1_databases: [{ binding: 'DB', database_name: 'empty', database_id: 'empty' }],
      r2_buckets: [{ binding: 'BUCKET', bucket_name: 'empty' }],
    }),
  );
  const port = await freePort();
  const worker = startGuarded(
    process.execPath,
    [
      ...[WRANGLER, 'dev', '--config', config, '--ip', '127.0.0.1', '--port', String(port)],
      ...['--inspector-port', '0', '--persist-to', join(directory, 'storage')],
      ...['--show-interactive-dev-session=false', '--log-level', 'error'],
    ],
    wranglerEnv(),
  );
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !worker.exited()) {
    if ((await fetch(`${url}/table`).catch(() => null))?.ok) return { url, stop: () => worker.stop() };
    await wait(100);
  }
  await worker.stop();
  throw new Error(`the empty Worker did not start:\n${worker.log()}`);
}

export interface EmptyInstances {
  readonly count: number;
  readonly concurrency: number;
  readonly steps: number;
  /** Length of what each step gives back. */
  readonly resultChars: number;
  /** What the steps store, all in all. */
  readonly rows: number;
  readonly objects: number;
}

/** Instances whose steps do nothing of ours, a few at a time, until the last has ended. */
export async function runEmptyInstances(
  url: string,
  name: string,
  { count, concurrency, steps, resultChars, rows, objects }: EmptyInstances,
): Promise<void> {
  let next = 0;
  const work = async () => {
    for (let n = next++; n < count; n = next++) {
      const at = `${url}/instance?id=${name}-${n}`;
      await fetch(`${at}&steps=${steps}&chars=${resultChars}&rows=${rows}&objects=${objects}`, {
        method: 'POST',
      });
      while (((await (await fetch(at)).json()) as { status: string }).status !== 'complete')
        await wait(POLL_MS);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}
