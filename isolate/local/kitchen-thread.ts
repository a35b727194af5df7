/**
 * The thread in which jobs are done. It holds nothing of a job once that is answered, and whoever started
 * it ends it when a job takes too long.
 */
import { stripTypeScriptTypes } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../container/text.ts';
import { drawTrees, type Jobs, narrowAll, type StripResult } from '../jobs.ts';
import { createEngine, type Engine } from '../narrow/engine.ts';
import { engineAssets } from './assets.ts';

/** Started with the thread, so that the first job finds it ready. */
const engine: Promise<Engine> = createEngine(engineAssets());

const jobs: Jobs = {
  strip: stripTypes,
  narrow: async (rule, cases) => narrowAll(await engine, rule, cases),
  trees: async (rule, files) => drawTrees(await engine, rule, files),
};

function stripTypes(source: string): StripResult {
  try {
    return { code: stripTypeScriptTypes(source, { mode: 'strip' }) };
  } catch (error) {
    const line = Number(/^[^\n]*:(\d+)\n/.exec(String((error as Error).stack))?.[1]);
    return { error: { message: messageOf(error), ...(Number.isInteger(line) ? { line } : {}) } };
  }
}

export type JobName = keyof Jobs;
export interface JobRequest {
  readonly name: JobName;
  readonly args: readonly unknown[];
}
export type JobAnswer = { readonly value: unknown } | { readonly failure: string };

parentPort?.on('message', ({ name, args }: JobRequest) => {
  const run = jobs[name] as (...args: readonly unknown[]) => unknown;
  Promise.resolve()
    .then(() => run(...args))
    .then((value): JobAnswer => ({ value }))
    .catch((error: unknown): JobAnswer => ({ failure: messageOf(error) }))
    .then((answer) => parentPort?.postMessage(answer));
});
engine.then(() => parentPort?.postMessage('ready'));
