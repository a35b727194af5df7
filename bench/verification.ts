/**
 * Twenty cases of one rule: jailed on a warm host against one `tsx` process per case, one after the
 * other, which is how the existing client starts checks. The `tsx` side has no jail and is handed its
 * matches, so the comparison favours it.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startVerificationHost } from '../cli/verification-host.ts';
import { assembleFiles } from '../src/rules/assemble.ts';
import { inspectRule } from '../src/rules/inspect.ts';
import { reportChunk } from '../src/rules/report.ts';
import { HostSandbox } from '../src/sandboxes/host.ts';
import type { RuleCase } from '../src/schema/request.ts';
import { goodReply } from '../test/support/rule.ts';
import { median } from './median.ts';
import type { Measurement } from './run.ts';

const CASES = 20;
const WARM_RUNS = 5;
const BUDGET_MS = 2_000;
const BUDGET_FASTER = 5;
const TSX = fileURLToPath(new URL('../node_modules/tsx/dist/cli.mjs', import.meta.url));

const cases = Array.from(
  { length: CASES },
  (_, n): RuleCase => ({
    name: `case ${n}`,
    kind: 'invalid',
    files: { 'src/a.ts': `export const value${n} = eval(source);\n`, 'src/b.ts': 'JSON.parse(source);\n' },
  }),
);

export async function measureVerification(scratch: string): Promise<Measurement[]> {
  const hostMs = await jailedMs();
  const tsxMs = await sequentialTsxMs(scratch);
  const faster = tsxMs / hostMs;
  return [
    {
      what: `${CASES} cases on a warm host`,
      measured: `${Math.round(hostMs)} ms`,
      budget: `${BUDGET_MS} ms`,
      ratio: hostMs / BUDGET_MS,
    },
    {
      what: `the same, times faster than ${CASES} tsx processes in a row (${Math.round(tsxMs)} ms)`,
      measured: `${faster.toFixed(1)} ×`,
      budget: `${BUDGET_FASTER} ×`,
      ratio: BUDGET_FASTER / faster,
    },
  ];
}

async function jailedMs(): Promise<number> {
  const files = await assembleFiles(goodReply);
  const rule = files.ok ? inspectRule({ name: 'bench', summary: '', files: files.value }) : files;
  if (!rule.ok) throw new Error('the bench rule is refused');
  const host = await startVerificationHost();
  try {
    const sandbox = new HostSandbox(host);
    const runs: number[] = [];
    for (let run = 0; run <= WARM_RUNS; run += 1) {
      const startedMs = performance.now();
      const answer = await sandbox.verify({
        id: `bench-${run}`,
        rule: rule.value,
        cases,
        caseTimeoutMs: 10_000,
      });
      const report = reportChunk('host', cases, answer);
      if (report.verdict !== 'accepted') throw new Error(`bench rule is ${report.verdict}`);
      // The first run warms the file cache.
      if (run > 0) runs.push(performance.now() - startedMs);
    }
    return median(runs);
  } finally {
    await host.stop();
  }
}

async function sequentialTsxMs(scratch: string): Promise<number> {
  await write(join(scratch, 'package.json'), '{"type":"module"}');
  await write(join(scratch, 'check.ts'), goodReply.check);
  await write(
    join(scratch, 'runner.mts'),
    "import check from './check.ts';\nconst matches = JSON.parse(process.argv[3] ?? '[]');\nconsole.log(JSON.stringify(check(process.argv[2] ?? '', matches)));\n",
  );
  const startedMs = performance.now();
  for (const [index, one] of cases.entries()) {
    const root = join(scratch, `case-${index}`);
    for (const [path, text] of Object.entries(one.files)) await write(join(root, path), text);
    const matches = JSON.stringify([
      { rule: 'call', ruleId: 'r', file: 'src/a.ts', line: 1, column: 1, text: '', captures: {} },
    ]);
    const run = spawnSync(process.execPath, [TSX, join(scratch, 'runner.mts'), root, matches], {
      encoding: 'utf8',
    });
    if (!run.stdout.includes('eval is used')) throw new Error(`tsx run failed: ${run.stderr}`);
  }
  return performance.now() - startedMs;
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
