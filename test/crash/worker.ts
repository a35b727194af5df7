/**
 * The Worker of the crash suite: the whole service, which stops at every point where a crash makes a difference
 * and asks the suite whether to go on. The suite answers, or kills the stack. Nothing of the service is changed
 * for it. A further Workflow class needs one class here, like `GenerateRule`.
 */

import { env, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { BatchParams, Bindings, GenerateRuleParams } from '../../src/env.ts';
import service, * as classes from '../../src/index.ts';
import type { DeliverWebhookParams } from '../../src/webhooks/start.ts';
import {
  type Effect,
  tappedBindings,
  tappedBucket,
  tappedFetch,
  tappedStep,
  type When,
} from '../support/effects.ts';

export { ContainerGate, VerificationContainer } from '../../src/index.ts';

/** Where in the service code is running. */
interface Place {
  /** Workflow instance, or `null` outside of one. */
  readonly instance: string | null;
  /** `generate 1`, `POST /v1/generations`, `sweep`, `log writer`. */
  readonly name: string;
  /** How often each effect was reached in this run of the place, so that a second one has a name of its own. */
  readonly seen: Map<string, number>;
  /** When something was reached last. */
  lastMs: number;
}

/** A step of a batch looks again after half a second or more. Every look is the same to us. */
const BETWEEN_LOOKS_MS = 400;
const BATCH = 'batch: ';

const place = new AsyncLocalStorage<Place>();
const directFetch = globalThis.fetch.bind(globalThis);
const control = (env as { CRASH_CONTROL_URL?: string }).CRASH_CONTROL_URL ?? '';
globalThis.fetch = tappedFetch(directFetch, onEffect);

/** Returns when the suite says so; when it does not, this process ends here. */
async function reach(at: Place, what: string): Promise<void> {
  if (at.name.startsWith(BATCH) && Date.now() - at.lastMs > BETWEEN_LOOKS_MS) at.seen.clear();
  const times = (at.seen.get(what) ?? 0) + 1;
  at.seen.set(what, times);
  const point = `${at.name} | ${what}${times === 1 ? '' : ` (${times})`}`;
  const answer = await directFetch(`${control}/reached`, {
    method: 'POST',
    body: JSON.stringify({ instance: at.instance, point }),
  });
  await answer.text();
  at.lastMs = Date.now();
}

async function onEffect(effect: Effect, when: When): Promise<void> {
  const at = place.getStore();
  if (at !== undefined && effect.writes) await reach(at, `${when} ${effect.on} ${effect.does}`);
}

function inside<T>(instance: string | null, name: string, run: (at: Place) => T): T {
  const at: Place = { instance, name, seen: new Map(), lastMs: Date.now() };
  return place.run(at, () => run(at));
}

/** Points before a body, at each of its effects, after it and before its result is kept, and after that. */
function crashing(
  instance: string,
  step: WorkflowStep,
  shown: (name: string) => string = (name) => name,
): WorkflowStep {
  return tappedStep(
    step,
    (name, attempt, run) =>
      inside(instance, attempt === 1 ? shown(name) : `${shown(name)} again`, async (at) => {
        await reach(at, 'before the body');
        const result = await run();
        await reach(at, 'after the body');
        return result;
      }),
    (name) => inside(instance, shown(name), (at) => reach(at, 'after its result is kept')),
  );
}

export class GenerateRule extends classes.GenerateRule {
  constructor(context: ExecutionContext, bindings: Bindings) {
    super(context, tappedBindings(bindings, onEffect));
  }

  override run(event: Readonly<WorkflowEvent<GenerateRuleParams>>, step: WorkflowStep): Promise<void> {
    return super.run(event, crashing(event.instanceId, step));
  }
}

export class Batch extends classes.Batch {
  constructor(context: ExecutionContext, bindings: Bindings) {
    super(context, tappedBindings(bindings, onEffect));
  }

  override run(event: Readonly<WorkflowEvent<BatchParams>>, step: WorkflowStep): Promise<void> {
    return super.run(
      event,
      crashing(event.instanceId, step, (name) => `${BATCH}${name.replace(/\d+/g, '#')}`),
    );
  }
}

export class DeliverWebhook extends classes.DeliverWebhook {
  constructor(context: ExecutionContext, bindings: Bindings) {
    super(context, tappedBindings(bindings, onEffect));
  }

  override run(event: Readonly<WorkflowEvent<DeliverWebhookParams>>, step: WorkflowStep): Promise<void> {
    return super.run(event, crashing(event.instanceId, step));
  }
}

export class TransparencyLog extends classes.TransparencyLog {
  constructor(state: DurableObjectState, bindings: ConstructorParameters<typeof classes.TransparencyLog>[1]) {
    super(state, { ...bindings, BUCKET: tappedBucket(bindings.BUCKET, onEffect) });
  }

  override append(bundleSha256: string): Promise<string> {
    return inside(null, 'log writer', () => super.append(bundleSha256));
  }
}

const tapped = tappedBindings(env as Bindings, onEffect);

export default {
  fetch: (request, _bindings, context) => {
    const { pathname } = new URL(request.url);
    const path = pathname.replace(/(?:gen|batch|whs)-[^/]+/, ':id');
    return inside(null, `${request.method} ${path}`, () => service.fetch(request, tapped, context));
  },
  scheduled: (controller) => inside(null, 'sweep', () => service.scheduled(controller, tapped)),
} satisfies ExportedHandler<Bindings>;
