/**
 * Twenty cases of one rule: jailed on a warm host, as the pipeline sends them, against what the existing
 * client does for each case: one ast-grep scan and one `tsx` process, one case after the other, no jail.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startVerificationHost } from '../cli/verification-host.ts';
import { assembleFiles } from '../src/rules/assemble.ts';
import { inspectRule } from '../src/rules/inspect.ts';
import { HttpSandbox } from '../src/sandboxes/http.ts';
import { verifyAll } from '../src/sandboxes/verify-all.ts';
import type { RuleCase } from '../src/schema/request.ts';
import type { Rule } from '../src/schema/rule.ts';
import { goodReply } from '../test/support/rule.ts';
import { median } from './median.ts';
import type { Measurement } from './run.ts';

const CASES = 20;
const RUNS = 5;
const CASE_TIMEOUT_MS = 10_000;
const BUDGET_MS = 2_000;
const BUDGET_FASTER = 10;
const TSX = fileURLToPath(new URL('../node_modules/tsx/dist/cli.mjs', import.meta.url));
const AST_GREP = fileURLToPath(
  new URL(`../node_modules/@ast-grep/cli-linux-${process.arch}-gnu/ast-grep`, import.meta.url),
);

const cases = Array.from(
  { length: CASES },
  (_, n): RuleCase => ({
    name: `case ${n}`,
    kind: 'invalid',
    files: { 'src/a.ts': `export const value${n} = eval(source);\n`, 'src/b.ts': 'JSON.parse(source);\n' },
  }),
);

export async function measureVerification(scratch: string): Promise<Measurement[]> {
  const { scanMs, tsxMs } = await sequentialMs(scratch);
  const hostMs = await jailedMs();
  const faster = tsxMs / hostMs;
  return [
    {
      what: `${CASES} cases on a warm host (median of ${RUNS})`,
      measured: `${Math.round(hostMs)} ms`,
      budget: `${BUDGET_MS} ms`,
      ratio: hostMs / BUDGET_MS,
    },
    {
      what: `the same, against ${CASES} tsx processes in a row (${Math.round(tsxMs)} ms; their scans, ${Math.round(scanMs)} ms, not counted)`,
      measured: `${faster.toFixed(1)} × faster`,
      budget: `${BUDGET_FASTER} ×`,
      ratio: BUDGET_FASTER / faster,
    },
  ];
}

async function jailedMs(): Promise<number> {
  const host = await startVerificationHost();
  try {
    const sandbox = new HttpSandbox('host', host);
    const runs: number[] = [];
    for (let run = 0; run <= RUNS; run += 1) {
      // A check the host has not seen, so that nothing it may have kept from the last run helps.
      const rule = await ruleOf(`// ${run}\n${goodReply.check}`);
      // A moment of idleness, as between two verifications of a generation, in which the host makes rooms ready.
      await wait(500);
      const startedMs = performance.now();
      const { verdict } = await verifyAll(sandbox, rule, cases, CASE_TIMEOUT_MS);
      if (verdict !== 'accepted') throw new Error(`the bench rule is ${verdict}`);
      // The first run warms the file cache.
      if (run > 0) runs.push(performance.now() - startedMs);
    }
    return median(runs);
  } finally {
    await host.stop();
  }
}

async function ruleOf(check: string): Promise<Rule> {
  const files = await assembleFiles({ ...goodReply, check });
  const rule = files.ok ? inspectRule({ name: 'bench', summary: '', files: files.value }) : files;
  if (!rule.ok) throw new Error('the bench rule is refused');
  return rule.value;
}

async function sequentialMs(scratch: string): Promise<{ scanMs: number; tsxMs: number }> {
  const rule = await ruleOf(goodReply.check);
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(scratch, path)), { recursive: true });
    await writeFile(join(scratch, path), text);
  };
  await write('package.json', '{"type":"module"}');
  await write('check.ts', goodReply.check);
  await write('sgconfig.yml', 'ruleDirs: [rules]\n');
  await write('rules/call.yml', rule.files['captures/call.yml'] ?? '');
  await write('runner.mts', RUNNER);
  let scanMs = 0;
  let tsxMs = 0;
  for (const [index, one] of cases.entries()) {
    const root = join(scratch, `case-${index}`);
    for (const [path, text] of Object.entries(one.files)) await write(`case-${index}/${path}`, text);
    const startedMs = performance.now();
    const scan = spawnSync(AST_GREP, ['scan', '--config', join(scratch, 'sgconfig.yml'), '--json=stream'], {
      cwd: root,
      encoding: 'utf8',
    });
    const scannedMs = performance.now();
    const run = spawnSync(process.execPath, [TSX, join(scratch, 'runner.mts'), root], {
      input: scan.stdout,
      encoding: 'utf8',
    });
    scanMs += scannedMs - startedMs;
    tsxMs += performance.now() - scannedMs;
    if (!run.stdout.includes('eval is used')) throw new Error(`tsx run failed: ${run.stderr}`);
  }
  return { scanMs, tsxMs };
}

const RUNNER = `import { readFileSync } from 'node:fs';
import check from './check.ts';
const lines = readFileSync(0, 'utf8').split('\\n').filter(Boolean);
const matches = lines.map((line) => JSON.parse(line)).map(({ file, range }) => ({ file, line: range.start.line + 1 }));
console.log(JSON.stringify(check(process.argv[2] ?? '', matches)));
`;
