/** Rules without a check: what the host takes, and that every match comes back as the finding it was told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_FINDINGS } from '../../container/limits.ts';
import { BadRequest, parseRequest } from '../../container/request.ts';
import { startLocal } from '../isolate/host.ts';
import { CALLS, CALLS_YML, MARKED, request, startHost } from './support.ts';

const report = { message: 'mark is called', severity: 'warning' } as const;
const rule = { files: { 'captures/calls.yml': CALLS_YML }, captures: [CALLS], report };
const body = (over: object = {}) => ({ ...request(''), rule: { ...rule, ...over } });

describe('the request', () => {
  it('needs no check', () => {
    expect(parseRequest(JSON.stringify(body())).rule).toEqual(rule);
  });

  it.each([
    ['a check beside the report', { files: { ...rule.files, 'check.ts': '' } }],
    ['neither', { report: undefined }],
    ['a broad capture', { captures: [{ ...CALLS, match: 'broad' }] }],
    ['two captures', twoCaptures()],
    ['an unknown severity', { report: { ...report, severity: 'hint' } }],
    ['an empty message', { report: { ...report, message: ' ' } }],
    ['a long message', { report: { ...report, message: 'x'.repeat(2_001) } }],
    ['an unknown key', { report: { ...report, fix: '' } }],
    ['no object', { report: 'mark is called' }],
  ])('is refused with %s', (_what, over) => {
    expect(() => parseRequest(JSON.stringify(body(over)))).toThrow(BadRequest);
  });

  function twoCaptures() {
    const files = { ...rule.files, 'captures/b.yml': CALLS_YML };
    return { files, captures: [CALLS, { ...CALLS, file: 'captures/b.yml', id: 'b' }] };
  }
});

describe.each([
  ['host', () => startHost(['--jail', 'util-linux'])],
  ['isolate', () => startLocal()],
])('%s', (_kind, start) => {
  let host: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    host = await start();
  });
  afterAll(() => host.stop());

  it('reports every match, in the words it was given, and runs nothing', async () => {
    const files = {
      'src/a.ts': 'mark(a);\n  mark(b);\n',
      'src/b.ts': 'other(a);\n',
      'src/c.ts': 'mark(c);\n',
    };
    const silent = { id: 'c1', files: { 'a.ts': 'other(mark);\n' } };
    const cases = [{ id: 'c0', files }, silent];
    const { results } = await host.verify({ ...body(), cases });
    expect(results[0]).toMatchObject({
      outcome: 'exited',
      stage: 'narrow',
      matchCount: 3,
      checkMs: 0,
      console: '',
    });
    const places = [...(results[0]?.findings ?? [])].sort((a, b) =>
      a.file + a.line < b.file + b.line ? -1 : 1,
    );
    expect(places).toEqual([
      { file: 'src/a.ts', line: 1, column: 1, ...report },
      { file: 'src/a.ts', line: 2, column: 3, ...report },
      { file: 'src/c.ts', line: 1, column: 1, ...report },
    ]);
    expect(results[1]).toMatchObject({ outcome: 'exited', matchCount: 0, findings: [] });
    expect(results[1]?.trees[0]?.text).toContain('call_expression 1:1');
  });

  it('cuts nothing off: too many places are no result', async () => {
    const source = 'mark(a);\n'.repeat(MAX_FINDINGS + 1);
    const { results } = await host.verify({ ...body(), cases: [{ id: 'c0', files: { 'a.ts': source } }] });
    expect(results[0]).toMatchObject({
      outcome: 'output_exceeded',
      error: { name: 'TooManyFindings' },
      findings: [],
    });
  });

  it('nor does a long message get cut', async () => {
    const long = { ...report, message: 'x'.repeat(2_000) };
    const source = 'mark(a);\n'.repeat(100);
    const cases = [{ id: 'c0', files: { 'a.ts': source } }];
    const { results } = await host.verify({ ...body({ report: long }), cases });
    expect(results[0]).toMatchObject({ outcome: 'invalid_result', findings: [] });
  });

  it('says why ast-grep refuses it', async () => {
    const files = { 'captures/calls.yml': CALLS_YML.replace('pattern: mark($A)', 'kind: no_such_kind') };
    const { results } = await host.verify({ ...body({ files }), cases: [MARKED] });
    expect(results[0]).toMatchObject({ outcome: 'exited', stage: 'narrow', error: { name: 'NarrowFailed' } });
  });
});
