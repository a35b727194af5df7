/**
 * The log as anyone may read it: C2SP tlog-tiles below `/log`, its key, and proofs by bundle digest. Public,
 * without a token, and the only answers that may be cached. Bytes come from R2 as they were published; the
 * object that writes the log is asked only for the first checkpoint of all.
 */
import type { Context } from 'hono';
import type { LogConfig } from '../env.ts';
import { Fault, faultCode, reasonOf } from '../errors.ts';
import { publicHalf } from '../tlog/checkpoint.ts';
import { isBundleDigest } from '../tlog/entry.ts';
import { encodeVkey } from '../tlog/note.ts';
import { makeProof, readCheckpoint, readTile } from '../tlog/service/reader.ts';
import { LOG_NAME } from '../tlog/service/settings.ts';
import { parseTilePath } from '../tlog/tiles.ts';
import type { AppEnv } from './context.ts';
import { pathParam, type Route, route, TEXT_TYPE } from './route.ts';

/** A checkpoint is replaced with every append. */
const CHECKPOINT_CACHE = 'public, max-age=2';
/** A later proof is of a larger tree, and an earlier one stays right. */
const PROOF_CACHE = 'public, max-age=3600';
const KEY_CACHE = 'public, max-age=300';
const TILE_CACHE = 'public, max-age=31536000, immutable';
const BYTES_TYPE = 'application/octet-stream';

/** One of the public answers about the log; without a log there are none. */
function logRoute(
  what: Pick<Route, 'path' | 'summary'> & { readonly type: string; readonly description: string },
  handle: (context: Context<AppEnv>, kept: LogConfig) => Promise<Response>,
): Route {
  const { path, summary, type, description } = what;
  return route({
    method: 'get',
    path,
    summary,
    scope: null,
    answers: { 200: { description, type } },
    errors: ['NOT_FOUND', 'LOG_UNAVAILABLE', 'LOG_INCONSISTENT'],
    handle: (context) => handle(context, keptLog(context)),
  });
}

const checkpoint = logRoute(
  {
    path: '/log/checkpoint',
    summary: 'The newest checkpoint of the log',
    type: TEXT_TYPE,
    description: 'A signed note.',
  },
  async (context, { writer }) => {
    const note = (await readCheckpoint(context.get('config').bucket)) ?? (await firstCheckpoint(writer));
    return send(context, note, TEXT_TYPE, CHECKPOINT_CACHE);
  },
);

const key = logRoute(
  {
    path: '/log/key',
    summary: 'The public key of the log',
    type: TEXT_TYPE,
    description: 'A verifier key.',
  },
  async (context, kept) => {
    const { origin, key: logKey } = publicHalf(kept.signer);
    return send(context, `${await encodeVkey({ name: origin, key: logKey })}\n`, TEXT_TYPE, KEY_CACHE);
  },
);

const proof = logRoute(
  {
    path: '/log/proof/:sha256',
    summary: 'The proof that a bundle is in the log',
    type: TEXT_TYPE,
    description: 'A proof.',
  },
  async (context, kept) => {
    const digest = pathParam(context, 'sha256');
    const { bucket } = context.get('config');
    const made = isBundleDigest(digest) ? await makeProof(bucket, digest, publicHalf(kept.signer)) : null;
    if (made === null) throw new Fault('NOT_FOUND', 'no bundle with this digest is in the log');
    return send(context, made, TEXT_TYPE, PROOF_CACHE);
  },
);

const tile = logRoute(
  {
    path: '/log/tile/*',
    summary: 'A tile of the log',
    type: BYTES_TYPE,
    description: 'Its bytes.',
  },
  async (context) => {
    const wanted = parseTilePath(new URL(context.req.url).pathname.slice('/log/'.length));
    const bytes = wanted && (await readTile(context.get('config').bucket, wanted));
    if (!bytes) throw new Fault('NOT_FOUND', 'the log has no such tile');
    return send(context, bytes, BYTES_TYPE, TILE_CACHE);
  },
);

export const logRoutes: readonly Route[] = [checkpoint, key, proof, tile];

/** An error loses its class on the way from the object; its code is in its message. */
async function firstCheckpoint(writer: LogConfig['writer']): Promise<string> {
  try {
    return await writer.get(writer.idFromName(LOG_NAME)).checkpoint();
  } catch (error) {
    throw new Fault(faultCode(error), reasonOf(error));
  }
}

function keptLog(context: Context<AppEnv>): LogConfig {
  const kept = context.get('config').log;
  if (kept === null) throw new Fault('NOT_FOUND', 'this service keeps no log');
  return kept;
}

function send(
  context: Context<AppEnv>,
  body: string | Uint8Array<ArrayBuffer>,
  type: string,
  cache: string,
): Response {
  return context.body(body, 200, { 'content-type': type, 'cache-control': cache });
}
