/**
 * Which objects of the log belong to its checkpoint. A service that works while it is backed up, or was interrupted,
 * has written more; restored without the writer's record, that would stand in the way of other entries at the same
 * places. Pure.
 */
import { logKeys } from '../../src/tlog/service/objects.ts';
import { parseTilePath, TILE_WIDTH } from '../../src/tlog/tiles.ts';

export const LOG_PREFIX = 'log/';
export const CHECKPOINT = logKeys.checkpoint;
const INDEX_PREFIX = logKeys.index('');

/** Of a checkpoint's text: its second line. */
export function sizeOf(checkpoint: string): number {
  const size = Number(checkpoint.split('\n')[1]);
  if (!Number.isSafeInteger(size) || size < 0) throw new Error('the published checkpoint is none');
  return size;
}

/** @param text the object's bytes as text; asked for indexes alone */
export function isWithin(key: string, size: number, text: () => string): boolean {
  if (key === CHECKPOINT) return true;
  if (key.startsWith(INDEX_PREFIX)) return Number(text()) < size;
  const tile = parseTilePath(key.slice(LOG_PREFIX.length));
  if (tile === null) return true;
  const level = tile.level === 'entries' ? 0 : tile.level;
  return tile.index * TILE_WIDTH + tile.width <= Math.floor(size / TILE_WIDTH ** level);
}
