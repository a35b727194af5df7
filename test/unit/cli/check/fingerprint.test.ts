import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { withFingerprints } from '../../../../cli/check/fingerprint.ts';
import { SourceFiles } from '../../../../cli/check/source-file.ts';

const root = mkdtempSync(join(tmpdir(), 'assay-fingerprint-'));
afterAll(() => rmSync(root, { recursive: true }));

function prints(text: string, lines: readonly number[], file = 'a.ts', rule = 'rule'): string[] {
  writeFileSync(join(root, 'a.ts'), text);
  const findings = lines.map((line) => ({ rule, file, line, message: 'm', severity: 'error' as const }));
  return withFingerprints(findings, new SourceFiles(root)).map(({ fingerprint }) => fingerprint);
}

const BEFORE = prints('bad(1);\nfoo();\nbad(1);\nbad(2);\n', [1, 3, 4]);

it('stays while lines move and are indented anew', () => {
  expect(prints('// above\n\n  bad(1);\r\nfoo();\n\tbad(1);\n\n\nbad(2);', [3, 5, 8])).toEqual(BEFORE);
});

it('tells lines that are alike apart by their order', () => {
  expect(BEFORE.map((one) => one.split(':')[1])).toEqual(['1', '2', '1']);
  expect(new Set(BEFORE).size).toBe(3);
});

it('changes with the text, the file and the rule', () => {
  const text = 'bad(1);\n';
  const [same] = prints(text, [1]);
  expect(same).toBe(BEFORE[0]);
  expect([
    prints('bad(9);\n', [1])[0],
    prints(text, [1], 'b.ts')[0],
    prints(text, [1], 'a.ts', 'other')[0],
  ]).not.toContain(same);
});

it('reads no file that a link leads to, nor anything outside', () => {
  symlinkSync('a.ts', join(root, 'link.ts'));
  symlinkSync('.', join(root, 'linked'));
  const sources = new SourceFiles(root);
  expect(sources.lines('a.ts')).toBeDefined();
  for (const path of ['link.ts', 'linked/a.ts', '', 'nowhere', '.'])
    expect(sources.lines(path)).toBeUndefined();
});
