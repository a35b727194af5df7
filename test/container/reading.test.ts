/** The pure parts that read hostile text: result frames, findings, console text, answer size. */
import { describe, expect, it } from 'vitest';
import { readFindings, readFrames } from '../../container/findings.ts';
import type { CaseResult } from '../../container/protocol.ts';
import { BadRequest, parseRequest } from '../../container/request.ts';
import { fitResults } from '../../container/size.ts';
import { Slots } from '../../container/slots.ts';
import { cleanText } from '../../container/text.ts';
import { formatTree, treeFiles } from '../../container/tree-text.ts';
import { CALLS, request } from './support.ts';

describe('frames', () => {
  const start = 't S \n';
  it.each([
    ['', { kind: 'none', started: false }],
    [start, { kind: 'none', started: true }],
    [`${start}t R []\n`, { kind: 'result', value: [] }],
    [`${start}t E {}\n`, { kind: 'error', value: {} }],
    [`t R []\n`, { kind: 'garbled' }],
    [`x${start}t R []\n`, { kind: 'garbled' }],
    [`${start}u R []\n`, { kind: 'garbled' }],
    [`${start}t R []\nt R [1]\n`, { kind: 'garbled' }],
    [`${start}t R []`, { kind: 'garbled' }],
    [`${start}t R [\n`, { kind: 'garbled' }],
    [`${start}t R ${'['.repeat(200_000)}\n`, { kind: 'garbled' }],
  ])('%j', (text, expected) => {
    expect(readFrames(text, 't')).toEqual(expected);
  });
});

describe('findings', () => {
  const good = { file: 'a.ts', message: 'm' };
  it.each([
    [{ ...good, line: 1.5 }],
    [{ ...good, line: -1 }],
    [{ ...good, line: '1' }],
    [{ ...good, line: null }],
    [{ ...good, column: 0 }],
    [{ ...good, severity: 'fatal' }],
    [{ message: 'm' }],
    [{ file: 'a' }],
    [{ ...good, file: './a' }],
    [{ ...good, file: 'a\u0000' }],
    [{ ...good, message: 'x'.repeat(2001) }],
    [null],
    [[]],
    ['a'],
  ])('refuses %j', (item) => {
    expect(readFindings([good, item])).toHaveProperty('problem');
  });
  it('copies known keys only', () => {
    const hostile = JSON.parse(
      '[{"file":"a","message":"m","__proto__":{"line":3},"constructor":1}]',
    ) as unknown;
    expect(readFindings(hostile)).toEqual({ findings: [{ file: 'a', message: 'm' }] });
  });
});

describe('text', () => {
  it.each([
    ['\u001b[1;31mred\u001b[0m', 'red'],
    ['\u001b]8;;http://x\u0007link\u001b]8;;\u0007', 'link'],
    ['\u001bP1$r\u001b\\x', 'x'],
    ['a\r\nb\rc\td', 'a\nbc\td'],
    ['\u202eabc\u200b', 'abc'],
    ['\ud800', '\ufffd'],
    ['x'.repeat(50), `${'x'.repeat(9)}…`],
  ])('%j', (text, expected) => {
    expect(cleanText(text, 10)).toBe(expected);
  });
  it('is quick on a hostile text', () => {
    const before = performance.now();
    cleanText('\u001b['.repeat(1_000_000), 1_000_000);
    cleanText('\u001b]'.repeat(1_000_000), 1_000_000);
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

it('keeps an answer below its limit and its findings whole', () => {
  const result = {
    id: 'c',
    outcome: 'exited',
    stage: 'check',
    matchCount: 1,
    matches: [],
    narrowMs: 0,
    checkMs: 0,
    findings: [{ file: 'a', message: 'm' }],
    console: 'x'.repeat(16_000),
    trees: [{ file: 'a', language: 'ts', text: 'y'.repeat(8_000) }],
  } satisfies CaseResult;
  const fitted = fitResults(
    Array.from({ length: 20 }, () => result),
    100_000,
  );
  expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThan(100_000);
  expect(fitted.every((each) => each.findings.length === 1 && each.outcome === 'exited')).toBe(true);
});

describe('trees', () => {
  it('cuts long dumps', () => {
    const dump = Array.from({ length: 500 }, (_, i) => `${' '.repeat(i % 4)}node (0,0)-(0,1)`).join('\n');
    const lines = formatTree(dump, 'x').trimEnd().split('\n');
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe('…');
  });
  it('leaves out files whose dollar names would shift positions', () => {
    const python = { ...CALLS, language: 'python' };
    expect(treeFiles([python], { 'a.py': 'x = "$HOME"', 'b.py': 'x = 1' }).map((file) => file.file)).toEqual([
      'b.py',
    ]);
  });
});

describe('slots', () => {
  it('grants in order, never more than there are, and forgets who left', async () => {
    const slots = new Slots(1);
    const never = new AbortController().signal;
    const first = await slots.acquire(never);
    const leave = new AbortController();
    const second = slots.acquire(leave.signal);
    const third = slots.acquire(never);
    leave.abort();
    expect(await second).toBeUndefined();
    first?.();
    first?.();
    const release = await third;
    expect(slots.busy).toBe(1);
    release?.();
    expect(slots.busy).toBe(0);
  });
});

it('names the place of a bad request', () => {
  const body = { ...request(''), limits: { caseTimeoutMs: 1, totalTimeoutMs: 1 } };
  expect(() => parseRequest(JSON.stringify(body))).toThrow(BadRequest);
  expect(() => parseRequest(JSON.stringify(body))).toThrow(/limits\.caseTimeoutMs/);
});
