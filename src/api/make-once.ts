/** The loop round making a generation once: look, make, and look again when somebody else was first. */
import type { Context } from 'hono';
import type { Config } from '../env.ts';
import { Fault } from '../errors.ts';
import type { GenerationRow } from '../store/generations.ts';
import type { Store } from '../store/store.ts';
import type { AppEnv } from './context.ts';
import { findGeneration } from './find-generation.ts';
import { REPLAYED_HEADER } from './idempotency.ts';
import { startInstance } from './start-generation.ts';
import { toGeneration } from './views.ts';

const MOST_TRIES = 5;
/** Time for an answer to be on its way. */
const ANSWER_MS = 10;

/** What one look found: a generation to answer with, or how to try to make one (`null`: somebody was first). */
export type Look = { readonly existing: string } | { readonly make: () => Promise<GenerationRow | null> };

/** 202 with a new generation, or 200 with the one that was there. */
export async function makeOnce(context: Context<AppEnv>, look: () => Promise<Look>): Promise<Response> {
  const config: Config = context.get('config');
  const store: Store = context.get('store');
  const orgId = context.get('orgId');
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const found = await look();
    if ('existing' in found)
      return answerWith(context, await findGeneration(store, orgId, found.existing), 200);
    const made = await found.make();
    if (made === null) continue;
    // Nobody waits for the instance: making it costs more than the rest, and what is not made the wake sweep makes.
    context.executionCtx.waitUntil(afterTheAnswer(() => startInstance(config, made)));
    return answerWith(context, made, 202);
  }
  throw new Fault('WORKFLOW_UNAVAILABLE', 'too many requests for the same generation at once; try again');
}

/** Where Worker and engine share a process, making an instance blocks both, and the answer with them. */
async function afterTheAnswer(work: () => Promise<void>): Promise<void> {
  await scheduler.wait(ANSWER_MS);
  await work();
}

function answerWith(context: Context<AppEnv>, row: GenerationRow, status: 200 | 202): Response {
  context.header('location', `/v1/generations/${row.id}`);
  if (status === 200) context.header(REPLAYED_HEADER, 'true');
  return context.json(toGeneration(row), status);
}
