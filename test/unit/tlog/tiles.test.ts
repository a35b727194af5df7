import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEntry, parseEntry } from '../../../src/tlog/entry.ts';
import { openTree, TileProblem } from '../../../src/tlog/tile-reader.ts';
import {
  decodeEntries,
  decodeTile,
  encodeEntries,
  newTiles,
  parseTilePath,
  type Tile,
  tilePath,
} from '../../../src/tlog/tiles.ts';
import { bundle, memoryLog } from '../../support/tlog.ts';

describe('paths', () => {
  test.each<[Tile, string]>([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 3, index: 5, width: 8 }, 'tile/3/005.p/8'],
    [{ level: 'entries', index: 1_000, width: 255 }, 'tile/entries/x001/000.p/255'],
  ])('%j', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  test('any tile has one path, and it is read back', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const));
    const index = fc.oneof(fc.nat(5_000), fc.integer({ min: 0, max: 999_999_999_999 }));
    fc.assert(
      fc.property(level, index, fc.integer({ min: 1, max: 256 }), (at, n, width) => {
        const tile = { level: at, index: n, width };
        expect(parseTilePath(tilePath(tile))).toEqual(tile);
      }),
    );
  });

  test.each([
    '',
    'tile',
    'tile/0',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/100/000',
    'tile/-1/000',
    'tile/0/-01',
    'tile/0/x000/001',
    'tile/0/001/002',
    'tile/0/x001/x002',
    'tile/0/001.p',
    'tile/0/001.p/',
    'tile/0/001.p/0',
    'tile/0/001.p/01',
    'tile/0/001.p/256',
    'tile/0/001.p/1/',
    'tile/0/001.P/1',
    'tile/Entries/001',
    'tile/0/001 ',
    '/tile/0/001',
    'tile//0/001',
    'tile/0/../0/001',
    'tile/0/٠٠١',
    'checkpoint',
  ])('%j is none', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
});

describe('which tiles a tree has', () => {
  test('of 70 000 entries', () => {
    const shape: Record<string, number> = {};
    for (const { level, width } of newTiles(0, 70_000)) {
      const name = `${level}:${width}`;
      shape[name] = (shape[name] ?? 0) + 1;
    }
    expect(shape).toEqual({
      '0:256': 273,
      '0:112': 1,
      'entries:256': 273,
      'entries:112': 1,
      '1:256': 1,
      '1:17': 1,
      '2:1': 1,
    });
  });

  test('of 256: a full one, and one of a single hash above', () => {
    expect(newTiles(255, 256).map(tilePath)).toEqual(['tile/0/000', 'tile/entries/000', 'tile/1/000.p/1']);
    expect(newTiles(256, 256)).toEqual([]);
    expect(newTiles(0, 0)).toEqual([]);
  });

  test('growing in steps writes every tile that reading at any of those sizes needs', async () => {
    const log = memoryLog(1_400);
    const steps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(steps, async (by) => {
        const stored = new Map<string, Uint8Array>();
        let size = 0;
        for (const step of by) {
          const next = Math.min(1_400, size + step);
          for (const tile of newTiles(size, next)) stored.set(tilePath(tile), log.tile(tile));
          size = next;
          const read = await openTree(
            await log.head(size),
            async (tile) => stored.get(tilePath(tile)) ?? null,
          );
          for (const index of [0, Math.floor(size / 2), size - 1]) {
            expect(await read(0, index)).toEqual(await log.read(0, index));
          }
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('entry bundles', () => {
  const entries = [0, 1, 2].map((n) => encodeEntry(bundle(n)));

  test('there and back', () => {
    const bytes = encodeEntries(entries);
    expect(bytes.length).toBe(3 * (2 + 81));
    expect([...bytes.subarray(0, 2)]).toEqual([0, 81]);
    expect(decodeEntries(bytes, 3)).toEqual(entries);
    expect(decodeEntries(new Uint8Array(), 0)).toEqual([]);
  });

  test('too few, too many, cut off, or with something behind: none', () => {
    const bytes = encodeEntries(entries);
    expect(decodeEntries(bytes, 2)).toBeNull();
    expect(decodeEntries(bytes, 4)).toBeNull();
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeEntries(bytes.subarray(0, length), 3)).toBeNull();
    }
    expect(decodeEntries(new Uint8Array([...bytes, 0]), 3)).toBeNull();
    expect(decodeTile(new Uint8Array(63), 2)).toBeNull();
    expect(decodeTile(new Uint8Array(96), 2)).toBeNull();
  });

  test('an entry too long for its length is not written', () => {
    expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow(RangeError);
  });
});

describe('an entry', () => {
  test('names a bundle by its digest, and nothing else', () => {
    const text = new TextDecoder().decode(encodeEntry(bundle(0)));
    expect(text).toBe(`assay-bundle/v1\n${bundle(0)}\n`);
    expect(parseEntry(encodeEntry(bundle(0)))).toBe(bundle(0));
  });

  test.each([
    `assay-bundle/v2\n${bundle(0)}\n`,
    `assay-bundle/v1\n${bundle(0)}`,
    `assay-bundle/v1\n${bundle(0)}\n\n`,
    `\ufeffassay-bundle/v1\n${bundle(0)}\n`,
    `assay-bundle/v1\n${bundle(0).toUpperCase()}\n`,
    'assay-bundle/v1\n\n',
  ])('%j is none', (text) => {
    expect(parseEntry(new TextEncoder().encode(text))).toBeNull();
  });

  test.each(['', 'x', `${bundle(0)}\n`, bundle(0).slice(1)])('%j is no digest', (text) => {
    expect(() => encodeEntry(text)).toThrow(RangeError);
  });
});

describe('a store that answers with other bytes is found out', () => {
  const log = memoryLog(66_000);

  test.each([
    ['the right edge of level 0', 'tile/0/257.p/208'],
    ['the right edge of level 1', 'tile/1/001.p/1'],
    ['the right edge of level 2', 'tile/2/000.p/1'],
    ['a full tile', 'tile/0/003'],
    ['a full tile above', 'tile/1/000'],
  ])('%s', async (_what, changed) => {
    const head = await log.head(66_000);
    const reading = async () => {
      const read = await openTree(head, async (tile) => {
        const bytes = Uint8Array.from(log.tile(tile));
        if (tilePath(tile) === changed) bytes[5] = (bytes[5] ?? 0) ^ 1;
        return bytes;
      });
      // In the tree of a third full tile; goes through every level.
      return read(0, 3 * 256 + 7);
    };
    await expect(reading()).rejects.toMatchObject({ reason: 'tiles_do_not_fit' });
  });

  test('a tile that is missing or of another length says so', async () => {
    const head = await log.head(300);
    const missing = openTree(head, async () => null);
    await expect(missing).rejects.toMatchObject({ reason: 'tile_missing' });
    const short = openTree(head, async (tile) => log.tile(tile).subarray(1));
    await expect(short).rejects.toMatchObject({ reason: 'tile_malformed' });
    await expect(short).rejects.toBeInstanceOf(TileProblem);
  });

  test('a partial tile that was dropped is read from the full one', async () => {
    const head = await log.head(300);
    const read = await openTree(head, async (tile) =>
      tile.width < 256 && tile.level === 0 ? null : log.tile(tile),
    );
    expect(await read(0, 299)).toEqual(await log.read(0, 299));
  });
});
