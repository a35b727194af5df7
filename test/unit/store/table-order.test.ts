import { expect, test } from 'vitest';
import { referringFirst, rowKeyOf } from '../../../src/store/table-order.ts';

const table = (name: string, ...refers: string[]) => ({
  name,
  sql: `CREATE TABLE ${name} (org_id TEXT${refers.map((one) => `, ${one}_id TEXT NOT NULL references "${one}" (id)`).join('')})`,
});

test('a table comes after every one that refers to it, at any depth', () => {
  const order = referringFirst([
    table('a'),
    table('b', 'a'),
    table('c', 'b', 'elsewhere'),
    table('d', 'a', 'd'),
  ]).map((one) => one.name);
  expect([...order].sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(order.indexOf('c')).toBeLessThan(order.indexOf('b'));
  expect(order.indexOf('b')).toBeLessThan(order.indexOf('a'));
  expect(order.indexOf('d')).toBeLessThan(order.indexOf('a'));
});

test('a circle ends', () => {
  const order = referringFirst([table('a', 'b'), table('b', 'a')]);
  expect(order.map((one) => one.name).sort()).toEqual(['a', 'b']);
});

test.each([
  ['CREATE TABLE t (a TEXT PRIMARY KEY, org_id TEXT)', 'rowid'],
  ['CREATE TABLE t (a TEXT NOT NULL, b INT, PRIMARY KEY (a, b)) WITHOUT ROWID', '(a, b)'],
  ['CREATE TABLE t (org_id TEXT, a TEXT NOT NULL PRIMARY KEY) without rowid', '(a)'],
])('%s: by %s', (sql, key) => {
  expect(rowKeyOf({ name: 't', sql })).toBe(key);
});
