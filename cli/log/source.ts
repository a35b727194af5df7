/**
 * Where a log's files are: below a URL or in a directory, laid out alike (docs/spec/log.md). Reads are
 * bounded; what is read is trusted for nothing until it fits a signed checkpoint.
 */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { HASH_BYTES } from '../../src/tlog/hash.ts';
import type { FetchTile } from '../../src/tlog/tile-reader.ts';
import { TILE_WIDTH, tilePath } from '../../src/tlog/tiles.ts';
import { readUpTo } from '../atomic-file.ts';
import { findConnection } from '../connection.ts';
import { UsageError } from '../exit.ts';

const TIMEOUT_MS = 30_000;
const MAX_TILE_BYTES = TILE_WIDTH * HASH_BYTES;

function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/**
 * `--log`, else where the checkpoint is when its log lies beside it, else the log of the service that is known.
 * @throws UsageError NO_LOG
 */
export async function findLog(given: string | undefined, checkpoint?: string): Promise<string> {
  if (given !== undefined) return given.replace(/\/+$/, '');
  if (checkpoint !== undefined && isUrl(checkpoint) && checkpoint.endsWith('/checkpoint')) {
    return checkpoint.slice(0, -'/checkpoint'.length);
  }
  if (checkpoint !== undefined && !isUrl(checkpoint)) {
    const tiles = await stat(join(dirname(checkpoint), 'tile')).catch(() => null);
    if (tiles?.isDirectory()) return dirname(checkpoint);
  }
  return `${serviceUrl()}/log`;
}

function serviceUrl(): string {
  try {
    // The log is public: a service without a token will do.
    return findConnection({ token: '' }).url;
  } catch {
    throw new UsageError('NO_LOG', 'no log is known', 'give --log <url or directory>, or set ASSAY_URL');
  }
}

/**
 * The bytes of a URL or file; of a longer one, one byte more than `maxBytes`. `null`: not there.
 * @throws UsageError LOG_UNREACHABLE | UNREADABLE_FILE
 */
export async function readBytes(place: string, maxBytes: number): Promise<Uint8Array | null> {
  return isUrl(place) ? readUrl(place, maxBytes) : readUpTo(place, maxBytes);
}

/** Tiles of the log at `log`. */
export function tilesAt(log: string): FetchTile {
  return (tile) =>
    readBytes(isUrl(log) ? `${log}/${tilePath(tile)}` : join(log, tilePath(tile)), MAX_TILE_BYTES);
}

async function readUrl(url: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel();
      return null;
    }
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of response.body ?? []) {
      parts.push(part);
      length += part.byteLength;
      if (length > maxBytes) break;
    }
    return new Uint8Array(Buffer.concat(parts).subarray(0, maxBytes + 1));
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new UsageError(
      'LOG_UNREACHABLE',
      `cannot read ${url}: ${messageOf(cause)}`,
      'try again, or another --log',
    );
  }
}
