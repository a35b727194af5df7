/**
 * `POST /v1/verify`: whether a rule counts for whoever trusts what this service publishes. Decides on what is sent,
 * with the code that consumers run offline; reads nobody's rules, stores nothing and starts no sandbox. It is the
 * service's word: who has to be sure runs `assay verify` with trust documents of their own.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import { decide, type Trusted } from '../consumer/decide.ts';
import { type DecisionView, decisionSchema, viewOf } from '../consumer/view.ts';
import { Fault } from '../errors.ts';
import { withoutProto } from '../schema/path.ts';
import { MAX_REQUEST_BYTES } from '../schema/request.ts';
import type { Distrusted } from '../signing/document.ts';
import { DEFAULT_POLICY, type Policy, policySchema } from '../signing/policy.ts';
import { openPublished } from '../signing/published.ts';
import { onlySigner } from '../signing/signers.ts';
import { logKeyOf, publicHalf } from '../tlog/checkpoint.ts';
import type { AppEnv } from './context.ts';
import { type Route, route } from './route.ts';

const text = z.string().refine((one) => one.isWellFormed(), 'is not valid Unicode');

const verifySchema = z.strictObject({
  /** Every file of the rule directory by path, bundle and proof among them, as `GET /v1/rules/:id` answers them. */
  files: withoutProto.pipe(z.record(z.string(), text)),
  /** What evidence is asked for. Absent: a good signature and walls that held. */
  policy: policySchema.optional(),
});
type VerifyBody = z.infer<typeof verifySchema>;

export const verifyRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/verify',
    summary: 'Whether a rule counts under the published trust documents',
    scope: 'read',
    body: { schema: verifySchema, maxBytes: MAX_REQUEST_BYTES },
    answers: { 200: { description: 'It counts, or why it does not.', schema: decisionSchema } },
    errors: ['STORE_CONFLICT'],
    handle: async (context, { body }) => context.json(await answer(context, body)),
  }),
];

async function answer(context: Context<AppEnv>, { files, policy }: VerifyBody): Promise<DecisionView> {
  const trusted = await trustedHere(context, policy ?? DEFAULT_POLICY, new Date().toISOString());
  if ('reason' in trusted) return { ok: false, reason: trusted.reason, message: trusted.message };
  const encoder = new TextEncoder();
  const bytes = Object.entries(files).map(([path, content]) => [path, encoder.encode(content)] as const);
  return viewOf(await decide(new Map(bytes), trusted));
}

/** What is published; where nothing is, the key that this service signs with. */
async function trustedHere(
  context: Context<AppEnv>,
  policy: Policy,
  now: string,
): Promise<Trusted | Distrusted> {
  const { config, store } = context.var;
  const published = (await store.trust.get())?.documents ?? null;
  if (published === null) {
    const ownLog = config.log === null ? null : publicHalf(config.log.signer);
    return { signers: onlySigner(config.signingKey.publicKey), policy, log: ownLog, now };
  }
  const opened = await openPublished(published, now);
  if (!opened.ok) return opened;
  const named = opened.root.log;
  const log = named && (await logKeyOf(named));
  if (named !== null && log === null) {
    throw new Fault('STORE_CONFLICT', 'the published trust root names a log whose key is none');
  }
  return { signers: opened.signers, policy, log, now };
}
