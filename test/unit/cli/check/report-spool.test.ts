/** A rule without a check on a repository: findings from the places in its spool. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAX_RULE_FINDINGS } from '../../../../container/repository/limits.ts';
import { reportSpool } from '../../../../container/repository/report.ts';
import { FileNames, Spool } from '../../../../container/repository/spool.ts';

const report = { message: 'bad is called', severity: 'info' } as const;
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-spool-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** A spool with one match in each of these files, one line apart. */
async function spoolOf(...files: readonly string[]): Promise<Spool> {
  const spool = new Spool(join(await mkdtemp(join(scratch, 's-')), 'spool'), new FileNames());
  for (const [index, file] of files.entries()) {
    const match = { rule: 'r', ruleId: 'r', file, line: index + 1, column: 2, text: '', captures: {} };
    spool.add(match, 0, false);
  }
  return spool;
}

it('one per match, by file', async () => {
  const spool = await spoolOf('b.ts', 'a "quoted" ä.ts', 'b.ts');
  expect(await reportSpool(spool, report)).toEqual({
    outcome: 'exited',
    findings: [
      { file: 'a "quoted" ä.ts', line: 2, column: 2, ...report },
      { file: 'b.ts', line: 1, column: 2, ...report },
      { file: 'b.ts', line: 3, column: 2, ...report },
    ],
  });
  spool.close();
});

it('none for no match', async () => {
  expect(await reportSpool(await spoolOf(), report)).toEqual({ outcome: 'exited', findings: [] });
});

it.each([
  ['../etc/passwd', 'invalid_result'],
  ['/etc/passwd', 'invalid_result'],
])('a place outside the project (%s) is no finding', async (file, outcome) => {
  const spool = await spoolOf('a.ts', file);
  expect(await reportSpool(spool, report)).toMatchObject({ outcome, findings: [] });
  spool.close();
});

it('too many are no answer: nothing is cut off', async () => {
  const spool = await spoolOf(...Array.from({ length: MAX_RULE_FINDINGS + 1 }, () => 'a.ts'));
  expect(await reportSpool(spool, report)).toMatchObject({
    outcome: 'output_exceeded',
    error: { name: 'TooManyFindings' },
    findings: [],
  });
  spool.close();
});
