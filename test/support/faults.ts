/**
 * Generations that fail where a test says: at an effect of a step on D1 or R2, at the model, at a sandbox. Everything
 * else is real, the platform's retries included, but for sandboxes, whose answer is made here. One plan each, so that
 * many can run at once.
 */

import { env, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { AsyncLocalStorage } from 'node:async_hooks';
import { BUILD_HEADER, type VerifyRequest } from '../../container/protocol.ts';
import type { Bindings } from '../../src/env.ts';
import { keys } from '../../src/store/objects.ts';
import { deliveryIdOf } from '../../src/store/outbox.ts';
import { openStore } from '../../src/store/store.ts';
import { DeliverWebhook } from '../../src/workflows/deliver-webhook.ts';
import { GenerateRule } from '../../src/workflows/generate-rule.ts';
import { type Effect, tappedBindings, tappedStep, type When } from './effects.ts';
import { answer, caseResult, request } from './rule.ts';

export interface Fault {
  /** Name of the step it happens in. */
  readonly step: string;
  readonly on: 'd1' | 'r2' | 'log' | 'model' | 'sandbox';
  /** How many calls fail, from the first on. */
  readonly times: number;
  /** `after`: it is done, and its answer is lost. Of D1, R2 and the log's writer. */
  readonly when?: When;
  /** What comes instead of an answer; `good` is what would have. Of model and sandbox. */
  readonly instead?: (good: () => Promise<Response>) => Promise<Response>;
}

interface Place {
  readonly instance: string;
  readonly step: string;
}

const faults = new Map<string, Fault>();
const failures = new Map<string, number>();
const place = new AsyncLocalStorage<Place>();
const directFetch = globalThis.fetch.bind(globalThis);

/** Two sandboxes, which must agree. */
const SANDBOXES: Pick<Bindings, 'SANDBOX' | 'ISOLATE_HOST_URL' | 'ISOLATE_HOST_TOKEN' | 'ISOLATE_BUILD_ID'> =
  {
    SANDBOX: 'host,isolate',
    ISOLATE_HOST_URL: 'http://127.0.0.1:9',
    ISOLATE_HOST_TOKEN: 'test-token-of-the-isolate-host',
    ISOLATE_BUILD_ID: 'b'.repeat(64),
  };

/** As the platform says it. */
const SAID = {
  d1: 'D1_ERROR: Network connection lost.',
  r2: 'put: We encountered an internal error. Please try again. (10001)',
  log: 'Internal error in Durable Object storage caused object to be reset.',
};

/** How often the fault of a generation happened. */
export function failuresOf(id: string): number {
  return failures.get(id) ?? 0;
}

/** Puts the faults in place for every instance of this test file. Undone by what it returns. */
export function installFaults(): () => void {
  const undo = [failing(GenerateRule), failing(DeliverWebhook)];
  globalThis.fetch = failingFetch;
  return () => {
    for (const one of undo) one();
    globalThis.fetch = directFetch;
  };
}

interface WorkflowClass<P> {
  readonly prototype: { run(event: Readonly<WorkflowEvent<P>>, step: WorkflowStep): Promise<void> };
}

function failing<P>({ prototype }: WorkflowClass<P>): () => void {
  const { run } = prototype;
  prototype.run = function (event, step) {
    const bindings = { ...(env as Bindings), ...SANDBOXES };
    const tapped = Object.create(this, { env: { value: tappedBindings(bindings, failEffect) } });
    const inPlace = tappedStep(step, (name, _attempt, body) =>
      place.run({ instance: event.instanceId, step: name }, body),
    );
    return run.call(tapped, event, inPlace);
  };
  return () => {
    prototype.run = run;
  };
}

/**
 * Makes a generation that follows `script` and has this fault, as the API would. Returns its id.
 * @param callbackUrl then the fault is that of the first round of its webhook
 */
export async function startFailing(
  script: string,
  fault: Fault | null,
  callbackUrl: string | null = null,
): Promise<string> {
  const id = `gen-${crypto.randomUUID()}`;
  if (fault !== null) faults.set(callbackUrl === null ? id : `${deliveryIdOf(id)}-1`, fault);
  const store = openStore(env.DB, env.BUCKET);
  const asked = { ...request, prompt: `No eval anywhere [[${script}]] ${id}`, limits: { attempts: 2 } };
  await store.objects.putOnce(keys.request('first', id), JSON.stringify(asked));
  await store.generations.insert({
    id,
    org_id: 'first',
    name: null,
    prompt_excerpt: asked.prompt,
    request_sha256: '',
    model: 'test-model',
    cases_total: request.cases.length,
    attempts_max: 2,
    callback_url: callbackUrl,
    created_at: new Date().toISOString(),
  });
  await env.GENERATE_RULE.create({ id, params: { generationId: id, orgId: 'first' } });
  return id;
}

/** Whether it is this one's turn to fail. */
function failsNow(on: Fault['on'], when?: When): Fault | null {
  const at = place.getStore();
  const fault = at === undefined ? undefined : faults.get(at.instance);
  if (at === undefined || fault === undefined || fault.on !== on || fault.step !== at.step) return null;
  if (when !== undefined && when !== (fault.when ?? 'before')) return null;
  const failed = failuresOf(at.instance);
  if (failed >= fault.times) return null;
  failures.set(at.instance, failed + 1);
  return fault;
}

async function failEffect({ on, writes }: Effect, when: When): Promise<void> {
  // An answer that is lost matters where something was done.
  if (on === 'fetch' || on === 'workflow' || (when === 'after' && !writes)) return;
  if (failsNow(on, when) !== null) throw new Error(SAID[on]);
}

const failingFetch: typeof fetch = async (input, init) => {
  const asked = new Request(input, init);
  const { pathname } = new URL(asked.url);
  const isSandbox = pathname === '/verify';
  const good = () => (isSandbox ? passing(asked) : directFetch(asked));
  if (!isSandbox && pathname !== '/v1/messages') return directFetch(asked);
  const fault = failsNow(isSandbox ? 'sandbox' : 'model');
  return fault?.instead === undefined ? good() : fault.instead(good);
};

/** A sandbox in which `goodReply` is right about its cases. */
async function passing(asked: Request): Promise<Response> {
  const { nonce, cases } = (await asked.json()) as VerifyRequest;
  const isHost = asked.url.startsWith(String((env as Bindings).SANDBOX_HOST_URL));
  const id = String(isHost ? (env as Bindings).SANDBOX_BUILD_ID : SANDBOXES.ISOLATE_BUILD_ID);
  const results = cases.map((one) => {
    const bad = Object.values(one.files).some((text) => text.includes('eval('));
    const findings = bad ? [{ file: 'a.ts', message: 'eval is used', line: 1 }] : [];
    return caseResult({ id: one.id, findings });
  });
  const build = { id, node: '24.21.0', astGrep: '0.51.1' };
  return Response.json(answer(results, { nonce, build }), { headers: { [BUILD_HEADER]: id } });
}
