/**
 * The log as anyone may read it: C2SP tlog-tiles below `/log`, its key, and proofs by bundle digest. Public,
 * without a token, and the only answers that may be cached. Bytes come from R2 as they were published; the
 * object that writes the log is asked only for the first checkpoint of all.
 */
import { type Context, Hono } from 'hono';
import type { LogConfig } from '../env.ts';
import { Fault, faultCode, reasonOf } from '../errors.ts';
import type { LogKey } from '../tlog/checkpoint.ts';
import { isBundleDigest } from '../tlog/entry.ts';
import { encodeVkey } from '../tlog/note.ts';
import { makeProof, readCheckpoint, readTile } from '../tlog/service/reader.ts';
import { LOG_NAME } from '../tlog/service/transparency-log.ts';
import { parseTilePath } from '../tlog/tiles.ts';
import type { AppEnv } from './context.ts';

/** A checkpoint is replaced with every append. */
const CHECKPOINT_CACHE = 'public, max-age=2';
/** A later proof is of a larger tree, and an earlier one stays right. */
const PROOF_CACHE = 'public, max-age=3600';
const KEY_CACHE = 'public, max-age=300';
const TILE_CACHE = 'public, max-age=31536000, immutable';
const TEXT = 'text/plain; charset=utf-8';

export const log = new Hono<AppEnv>()
  .get('/checkpoint', async (context) => {
    const { writer } = keptLog(context);
    const note = (await readCheckpoint(context.get('config').bucket)) ?? (await firstCheckpoint(writer));
    return send(context, note, TEXT, CHECKPOINT_CACHE);
  })
  .get('/key', async (context) => {
    const { origin, key } = keyOf(keptLog(context));
    return send(context, `${await encodeVkey({ name: origin, key })}\n`, TEXT, KEY_CACHE);
  })
  .get('/proof/:sha256', async (context) => {
    const key = keyOf(keptLog(context));
    const digest = context.req.param('sha256');
    const { bucket } = context.get('config');
    const proof = isBundleDigest(digest) ? await makeProof(bucket, digest, key) : null;
    if (proof === null) throw new Fault('NOT_FOUND', 'no bundle with this digest is in the log');
    return send(context, proof, TEXT, PROOF_CACHE);
  })
  .get('/tile/*', async (context) => {
    keptLog(context);
    const tile = parseTilePath(new URL(context.req.url).pathname.slice('/log/'.length));
    const bytes = tile && (await readTile(context.get('config').bucket, tile));
    if (!bytes) throw new Fault('NOT_FOUND', 'the log has no such tile');
    return send(context, bytes, 'application/octet-stream', TILE_CACHE);
  });

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

function keyOf({ signer }: LogConfig): LogKey {
  return { origin: signer.origin, key: signer.key.publicKey };
}

function send(
  context: Context<AppEnv>,
  body: string | Uint8Array<ArrayBuffer>,
  type: string,
  cache: string,
): Response {
  return context.body(body, 200, { 'content-type': type, 'cache-control': cache });
}
