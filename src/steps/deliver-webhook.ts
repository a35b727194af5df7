/**
 * One attempt to deliver a webhook: signs the stored body, sends it, notes what came of it and when to go on. Run
 * twice, it may send twice, with the same id and the same bytes. What the destination answers is a result here,
 * never a fault.
 */
import { callbackProblem } from '../schema/callback-url.ts';
import type { DeliveryRow, DeliveryStore } from '../store/deliveries.ts';
import type { WebhookSecretStore } from '../store/webhook-secrets.ts';
import { nextOf, type Tried } from '../webhooks/outcome.ts';
import { deriveSecret, signedHeaders } from '../webhooks/secret.ts';
import { send } from '../webhooks/send.ts';
import type { DeliverWebhookParams } from '../webhooks/start.ts';

export interface DeliveryDeps {
  readonly store: { readonly deliveries: DeliveryStore; readonly webhookSecrets: WebhookSecretStore };
  /** `null` where webhooks are not configured any more. */
  readonly webhooks: {
    readonly rootKey: Uint8Array;
    readonly allowPrivate: boolean;
    readonly timeoutMs: number;
  } | null;
  readonly delaysMs: readonly number[];
  readonly now: () => Date;
  /** In [0, 1). */
  readonly random: () => number;
}

/** How long to wait for the next attempt; `null`: there is none for this instance to make. */
export interface Delivered {
  readonly waitMs: number | null;
}

const DONE: Delivered = { waitMs: null };

/** @param n which attempt of this round, from 1 */
export async function deliverWebhook(
  job: DeliverWebhookParams,
  n: number,
  deps: DeliveryDeps,
): Promise<Delivered> {
  const { deliveries } = deps.store;
  const turn = { ...job, n };
  const row = await deliveries.find(job.orgId, job.deliveryId);
  if (row === null || row.round !== job.round || row.status !== 'pending') return DONE;
  // Noted before, and interrupted before the engine knew.
  if (row.tries >= n) return { waitMs: Math.max(0, Date.parse(row.next_at) - deps.now().getTime()) };
  if (!(await deliveries.begin(turn, deps.now().toISOString()))) return DONE;
  const tried = await tryOnce(row, deps);
  const next = nextOf(tried, n, deps.delaysMs, deps.random());
  const endMs = deps.now().getTime();
  const waitMs = next.status === 'pending' ? next.delayMs : null;
  const nextAt = waitMs === null ? null : new Date(endMs + waitMs).toISOString();
  await deliveries.settle(turn, tried, { status: next.status, nextAt }, new Date(endMs).toISOString());
  return { waitMs };
}

async function tryOnce(row: DeliveryRow, { store, webhooks, now }: DeliveryDeps): Promise<Tried> {
  if (webhooks === null) return unsent('NOT_CONFIGURED');
  // Asked again: settings, and what is taken for private, may have changed since the request.
  if (callbackProblem(row.url, webhooks.allowPrivate) !== null) return unsent('REFUSED');
  const ids = await store.webhookSecrets.active(row.org_id);
  if (ids.length === 0) return unsent('NO_SECRET');
  const secrets = await Promise.all(ids.map((id) => deriveSecret(webhooks.rootKey, row.org_id, id)));
  const headers = await signedHeaders(secrets, row.id, now(), row.body);
  return send(row.url, headers, row.body, webhooks.timeoutMs);
}

function unsent(problem: Tried['problem']): Tried {
  return { status: null, problem, retryAfterMs: null, durationMs: 0 };
}
