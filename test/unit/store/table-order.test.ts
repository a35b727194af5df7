import { expect, test } from 'vitest';
import { referringFirst } from '../../../src/store/table-order.ts';

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
  ]);
  expect([...order].sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(order.indexOf('c')).toBeLessThan(order.indexOf('b'));
  expect(order.indexOf('b')).toBeLessThan(order.indexOf('a'));
  expect(order.indexOf('d')).toBeLessThan(order.indexOf('a'));
});

test('a circle ends', () => {
  expect(referringFirst([table('a', 'b'), table('b', 'a')]).sort()).toEqual(['a', 'b']);
});
