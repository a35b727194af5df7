/** Files from a service: all of them or none, and nothing of anybody else's changed. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refuseTaken, writeTree } from '../../../cli/write-tree.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'assay-tree-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const FILES = { 'check.ts': 'check', '.tests/valid/a/src/x.ts': 'case', 'rule.sigstore.json': '{}' };
const there = () => readdirSync(directory, { recursive: true }).sort();

describe('a tree', () => {
  test('is written, and written again where it is the same', async () => {
    await writeTree(directory, FILES);
    await writeTree(directory, FILES);
    expect(readFileSync(join(directory, '.tests/valid/a/src/x.ts'), 'utf8')).toBe('case');
  });

  test('is not written in part: the last file differs', async () => {
    writeFileSync(join(directory, 'rule.sigstore.json'), 'another');
    await expect(writeTree(directory, FILES)).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(there()).toEqual(['rule.sigstore.json']);
    expect(readFileSync(join(directory, 'rule.sigstore.json'), 'utf8')).toBe('another');
  });

  test('is not written in part: where a file is to be there is a folder, and the other way round', async () => {
    for (const [path, make] of [
      ['rule.sigstore.json', (at: string) => mkdirSync(at)],
      ['.tests', (at: string) => writeFileSync(at, '')],
    ] as const) {
      make(join(directory, path));
      await expect(writeTree(directory, FILES)).rejects.toMatchObject({ code: 'FILE_EXISTS' });
      expect(there()).toEqual([path]);
      rmSync(join(directory, path), { recursive: true });
    }
  });

  test.each(['../x', '/x', 'a/../../x', 'a//x', 'a\\x', ''])('with the path %j is refused', async (path) => {
    await expect(writeTree(directory, { ok: '', [path]: '' })).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    expect(there()).toEqual([]);
  });
});

describe('a place', () => {
  test('that is not there, or empty, is free', async () => {
    mkdirSync(join(directory, 'empty'));
    for (const name of ['none', 'none/below', 'empty']) await refuseTaken(join(directory, name));
  });

  test('with anything in it, or a file, is taken', async () => {
    writeFileSync(join(directory, 'file'), '');
    for (const place of [directory, join(directory, 'file')])
      await expect(refuseTaken(place)).rejects.toMatchObject({ code: 'FILE_EXISTS' });
  });
});
