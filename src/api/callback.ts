/** Whether a callback URL can be honoured, asked before anything is made for it. */
import type { Config } from '../env.ts';
import type { WebhookConfig } from '../env-webhooks.ts';
import { Fault, type FaultCode } from '../errors.ts';
import { callbackProblem } from '../schema/callback-url.ts';
import type { Store } from '../store/store.ts';

export const CALLBACK_ERRORS = [
  'WEBHOOKS_NOT_CONFIGURED',
  'NO_WEBHOOK_SECRET',
  'CALLBACK_REFUSED',
] as const satisfies readonly FaultCode[];

/** @throws Fault WEBHOOKS_NOT_CONFIGURED | CALLBACK_REFUSED | NO_WEBHOOK_SECRET */
export async function refuseCallback(
  caller: { readonly config: Config; readonly store: Store; readonly orgId: string },
  ...asked: readonly (string | undefined)[]
): Promise<void> {
  const urls = asked.filter((url) => url !== undefined);
  if (urls.length === 0) return;
  const { allowPrivate } = webhooksOf(caller.config);
  for (const url of urls) {
    const problem = callbackProblem(url, allowPrivate);
    if (problem !== null) throw new Fault('CALLBACK_REFUSED', `callbackUrl ${problem}`);
  }
  if ((await caller.store.webhookSecrets.active(caller.orgId)).length > 0) return;
  throw new Fault(
    'NO_WEBHOOK_SECRET',
    'make a secret to sign webhooks with first: POST /v1/webhooks/secrets',
  );
}

/** @throws Fault WEBHOOKS_NOT_CONFIGURED */
export function webhooksOf({ webhooks }: Config): WebhookConfig {
  if (webhooks !== null) return webhooks;
  throw new Fault(
    'WEBHOOKS_NOT_CONFIGURED',
    'this service sends no webhooks: its operator sets WEBHOOK_SECRET',
  );
}
