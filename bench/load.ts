/**
 * `npm run bench:load`: one batch of many generations on the local stack with a recorded model. Prints each bar with
 * what was measured; exit code 1 when one is missed. `-- --count N` (1 000) `--concurrency N` (2: one for each core).
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ApiClient } from '../cli/client.ts';
import { endWithParent } from '../dev/end-with-parent.ts';
import { startModelServer } from '../dev/model-server.ts';
import { type Stack, startStack } from '../dev/stack.ts';
import { table } from '../dev/table.ts';
import { hasEnded } from '../src/schema/api.ts';
import type { BatchDetail } from '../src/schema/batch.ts';
import { request } from '../test/support/rule.ts';
import { scriptedReplies } from '../test/support/scripted-model.ts';
import { countBatch } from './load/count.ts';
import { runEmptyInstances, startEmptyWorker } from './load/empty.ts';
import { keepReading, percentile, timed } from './load/measure.ts';
import { type Growth, growthOf, type Sample, sampleAt, totalMib } from './load/memory.ts';
import { median } from './median.ts';

interface Bar {
  readonly what: string;
  readonly measured: string;
  readonly bar: string;
  readonly held: boolean;
}

const CREATES = 60;
const MOST_CREATE_RATIO = 5;
const MOST_READ_P95_MS = 50;
/** As a generation that is signed at once: accept, classify, prepare, … log, publish. */
const EMPTY = {
  steps: 11,
  /** On average, measured: keys, digests and counts. */
  resultChars: 250,
};
const STORES_NOTHING = { rows: 0, objects: 0 };
/**
 * As often as a generation of a batch writes to D1 and R2, the log's objects among them, counted: the local stores too
 * keep something of every write, whoever makes it.
 */
const STORES_AS_OFTEN = { rows: 22, objects: 15 };
/** Before every call that is timed: one after a pause takes about twice as long as one in a row, of any Worker. */
const PAUSE_MS = 50;
/** Instances that warm an engine up before its memory is read. */
const WARM_UP = 10;

endWithParent();
const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000' }, concurrency: { type: 'string', default: '2' } },
});
const count = Number(values.count);
const concurrency = Number(values.concurrency);
if (!(Number.isInteger(count) && count >= 1 && count <= 10_000 && concurrency >= 1 && concurrency <= 100)) {
  process.stderr.write('usage: npm run bench:load -- [--count 1 to 10000] [--concurrency 1 to 100]\n');
  process.exit(2);
}

const scratch = await mkdtemp(join(tmpdir(), 'assay-load-'));
// Isolates run as users of their own, which must be able to pass through.
await chmod(scratch, 0o711);
try {
  const empty = await measureEmpty();
  const bars = await measureService(empty);
  const shown = bars.map((one) => [one.what, one.measured, one.bar, one.held ? 'held' : 'MISSED']);
  console.log(table(['what', 'measured', 'bar', ''], shown));
  if (bars.some(({ held }) => !held)) process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}

interface Empty {
  readonly requestMs: number;
  readonly memory: Growth;
  /** Of instances that store as often as a generation does. */
  readonly storing: Growth;
}

async function measureEmpty(): Promise<Empty> {
  const nothing = await withEmptyWorker(async (url) => ({
    requestMs: await measureRequest(url),
    memory: await measureInstances(url, STORES_NOTHING),
  }));
  const storing = await withEmptyWorker((url) => measureInstances(url, STORES_AS_OFTEN));
  return { ...nothing, storing };
}

async function withEmptyWorker<T>(measure: (url: string) => Promise<T>): Promise<T> {
  const worker = await startEmptyWorker(scratch);
  try {
    return await measure(worker.url);
  } finally {
    await worker.stop();
  }
}

async function measureRequest(url: string): Promise<number> {
  const durations: number[] = [];
  for (let n = 0; n < CREATES + WARM_UP; n += 1) {
    await wait(PAUSE_MS);
    durations.push(await timed(url, null, { path: '/' }));
  }
  return median(durations.slice(WARM_UP));
}

async function measureInstances(url: string, stores: typeof STORES_NOTHING): Promise<Growth> {
  const run = (name: string, instances: number) =>
    runEmptyInstances(url, name, { ...EMPTY, ...stores, count: instances, concurrency });
  await run('warm', WARM_UP);
  const samples: Sample[] = [sampleAt(0)];
  const reading = keepReading(url, null, () => ['/']);
  const half = Math.ceil(count / 2);
  await run('first', half);
  samples.push(sampleAt(half));
  await run('second', count - half);
  samples.push(sampleAt(count));
  await reading.stop();
  return growthOf(samples);
}

async function measureService(empty: Empty): Promise<Bar[]> {
  const model = await startModelServer({ reply: scriptedReplies() });
  const stack = await startStack({
    stateDirectory: join(scratch, 'state'),
    model: { apiKey: 'bench', baseUrl: model.url, id: 'bench' },
  });
  try {
    const creating = await measureCreate(stack, empty);
    const batch = await measureBatch(stack, empty);
    const calls = model.calls.filter(({ body }) =>
      /batch \d+ \[\[good/.test(JSON.stringify(body.messages)),
    ).length;
    const paid: Bar = { what: 'model calls', measured: `${calls}`, bar: `${count}`, held: calls === count };
    return [creating, ...batch, paid];
  } finally {
    await stack.stop();
    await model.close();
  }
}

/** One after the other, each ended before the next, so that nothing else runs while one is made. */
async function measureCreate(stack: Stack, { requestMs }: Empty): Promise<Bar> {
  const client = new ApiClient(stack);
  const durations: number[] = [];
  for (let n = 0; n < CREATES + WARM_UP; n += 1) {
    const body = JSON.stringify({ ...request, prompt: `create ${n} [[refusal]]` });
    await wait(PAUSE_MS);
    durations.push(await timed(stack.url, stack.token, { path: '/v1/generations', method: 'POST', body }));
    while (!(await client.list({ limit: 1 })).every(({ status }) => hasEnded(status))) await wait(20);
  }
  const ms = median(durations.slice(WARM_UP));
  return {
    what: 'create a generation / an empty Worker request (medians)',
    measured: `${ms.toFixed(1)} ms / ${requestMs.toFixed(1)} ms = ${(ms / requestMs).toFixed(1)}`,
    bar: `${MOST_CREATE_RATIO}`,
    held: ms / requestMs <= MOST_CREATE_RATIO,
  };
}

async function measureBatch(stack: Stack, empty: Empty): Promise<Bar[]> {
  const client = new ApiClient(stack);
  const asks = (of: string, length: number) =>
    Array.from({ length }, (_, n) => ({ ...request, prompt: `${of} ${n} [[good]]` }));
  const warm = await client.createBatch({ mode: 'regenerate', requests: asks('warm', WARM_UP), concurrency });
  await untilDone(client, warm.id);
  const requests = asks('batch', count);
  const startMs = performance.now();
  const { id } = await client.createBatch({ mode: 'regenerate', requests, concurrency });
  const [item] = await firstItems(client, id);
  const paths = [`/v1/batches/${id}`, `/v1/generations/${item}`, `/v1/generations?batch=${id}`, '/v1/rules'];
  const reading = keepReading(stack.url, stack.token, () => paths);
  const { batch: ended, samples } = await untilDone(client, id);
  const reads = await reading.stop();
  const seconds = (performance.now() - startMs) / 1_000;
  const memory = growthOf(samples);
  const counted = await countBatch(stack, client, id);
  const exact = (what: string, measured: number, bar = count): Bar => ({
    what,
    measured: `${measured}`,
    bar: `${bar}`,
    held: measured === bar,
  });
  const p95 = percentile(reads, 0.95);
  for (const [whose, { parts }] of [
    ['generation', memory] as const,
    ['empty instance', empty.memory] as const,
    ['empty instance that stores', empty.storing] as const,
  ])
    console.log(`memory of one more ${whose}, by program: ${partsText(parts)}`);
  console.log(
    `${count} generations in ${seconds.toFixed(0)} s, ${concurrency} at once: ${ended.reason?.message}`,
  );
  return [
    exact('generations, each id once', counted.generations),
    exact('signed', counted.signed),
    exact('rules', counted.rules),
    exact('bundles that differ', counted.bundles),
    exact('generations with an event lost or doubled', counted.oddEvents, 0),
    {
      what: 'memory per generation / per empty instance / per empty one that stores, second half (and whole)',
      measured: `${growthText(memory)} / ${growthText(empty.memory)} / ${growthText(empty.storing)} MiB`,
      bar: 'no more than the last',
      held: memory.second <= empty.storing.second,
    },
    {
      what: `API reads meanwhile, p50 and p95 of ${reads.length}`,
      measured: `${percentile(reads, 0.5).toFixed(1)} ms, ${p95.toFixed(1)} ms`,
      bar: `p95 ${MOST_READ_P95_MS} ms`,
      held: p95 <= MOST_READ_P95_MS,
    },
  ];
}

async function firstItems(client: ApiClient, id: string): Promise<string[]> {
  for (;;) {
    const items = await client.batchItems(id, { limit: 1 });
    const made = items.flatMap(({ generationId }) => (generationId === null ? [] : [generationId]));
    if (made.length > 0) return made;
    await wait(50);
  }
}

/** Programs that grew or shrank by a hundredth of a MiB at least. */
function partsText(parts: Growth['parts']): string {
  const shown = [...parts].filter(([, mib]) => Math.abs(mib) >= 0.005);
  return shown.map(([name, mib]) => `${name} ${mib.toFixed(3)} MiB`).join(', ');
}

function growthText({ second, whole }: Growth): string {
  return `${second.toFixed(2)} (${whole.toFixed(2)})`;
}

/** Says every now and then where it is, and how large workerd has become. */
async function untilDone(
  client: ApiClient,
  id: string,
): Promise<{ readonly batch: BatchDetail; readonly samples: Sample[] }> {
  const startMs = performance.now();
  const samples: Sample[] = [];
  for (;;) {
    const batch = await client.batch(id);
    const { signed, underWay, failed, errored } = batch.progress;
    const over = batch.status !== 'running';
    const sample = sampleAt(signed + failed + errored);
    samples.push(sample);
    if (samples.length % 15 === 1 || over) {
      const second = Math.round((performance.now() - startMs) / 1_000);
      const mib = Math.round(totalMib(sample));
      console.log(
        `${second} s: ${signed} signed, ${failed + errored} not, ${underWay} under way, ${mib} MiB`,
      );
    }
    if (over) return { batch, samples };
    await wait(2_000);
  }
}
