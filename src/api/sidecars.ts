/**
 * A published rule's bundle in the form other tools verify. Signs only the stored bundle's exact bytes, and
 * only after its own signature has been verified with the key that is about to sign: never what a caller
 * chose, never for an earlier key. The same rule gives the same files.
 */
import type { Context } from 'hono';
import { Fault } from '../errors.ts';
import { SIDECAR_FORMATS, type SidecarAnswer, sidecarAnswer } from '../schema/api.ts';
import type { SigningKey } from '../signing/ed25519.ts';
import { keyedSidecar, signedSidecar } from '../signing/sidecars/formats.ts';
import { type Parts, partsOf } from '../signing/sidecars/parts.ts';
import { onlySigner } from '../signing/signers.ts';
import { openBundle } from '../signing/verify.ts';
import { keys } from '../store/objects.ts';
import type { AppEnv } from './context.ts';
import { pathParam, type Route, route } from './route.ts';
import { findRow, readKey } from './rules.ts';

export const sidecarRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/rules/:id/sidecars/:format',
    summary: 'The signature of a rule in the form another tool verifies',
    scope: 'read',
    answers: { 200: { description: 'Files by name, the same at every call.', schema: sidecarAnswer } },
    errors: ['NOT_FOUND', 'KEY_RETIRED', 'STORE_MISSING', 'STORE_CONFLICT'],
    handle: (context) => answerSidecar(context),
  }),
];

async function answerSidecar(context: Context<AppEnv>): Promise<Response> {
  const format = SIDECAR_FORMATS.find((one) => one === pathParam(context, 'format'));
  if (format === undefined) {
    throw new Fault('NOT_FOUND', `there is no such format; there are ${SIDECAR_FORMATS.join(', ')}`);
  }
  const store = context.get('store');
  const row = await findRow(store, context.get('orgId'), pathParam(context, 'id'));
  const { signingKey } = context.get('config');
  if (row.key_id !== signingKey.publicKey.keyId) {
    throw new Fault('KEY_RETIRED', 'this rule is signed with a key that the service signs with no more');
  }
  const bundle = await readKey(store, keys.bundle(row.org_id, row.generation_id));
  const parts = await ownParts(new TextEncoder().encode(bundle), signingKey);
  const sidecar =
    format === 'signify'
      ? keyedSidecar(format, parts, signingKey.publicKey)
      : signedSidecar(format, parts, signingKey);
  // Bytes that a caller has already, or derives from the bundle, are left out.
  const texts = Object.entries(sidecar.files).filter(
    (file): file is [string, string] => typeof file[1] === 'string',
  );
  const answer: SidecarAnswer = {
    format,
    bundleSha256: parts.bundleSha256,
    keyId: parts.keyId,
    files: Object.fromEntries(texts),
    commands: [...sidecar.commands],
  };
  return context.json(answer);
}

/** @throws Fault STORE_CONFLICT when what is stored is not what this key signed */
async function ownParts(bundle: Uint8Array, key: SigningKey): Promise<Parts> {
  const opened = await openBundle(bundle, onlySigner(key.publicKey));
  const parts = opened.ok ? await partsOf(bundle) : opened;
  if (parts.ok) return parts;
  throw new Fault('STORE_CONFLICT', `the stored bundle is not what was signed (${parts.reason})`);
}
