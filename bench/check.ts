/**
 * `assay check` with twenty rules on 3 500 files, against one bare ast-grep scan with the same captures, taken
 * in turns; what it takes of memory when there are ten times as many matches; and the first verification of a
 * process.
 */
import { execFileSync, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BenchProject,
  installRules,
  MANY_CAPTURES,
  makeBenchProject,
  USUAL_CAPTURES,
} from './check-project.ts';
import { median } from './median.ts';
import { type Peak, watchMemory } from './peak-memory.ts';
import type { Measurement } from './run.ts';

const ROUNDS = 5;
const BUDGET_TIMES_SCAN = 1.5;
const BUDGET_PER_RULE_MS = 60;
/** What is held is the same; the rest is garbage that was not collected yet. */
const BUDGET_TIMES_MEMORY = 1.5;
const BUDGET_COLD_MS = 15;
const ASSAY = fileURLToPath(new URL('../bin/assay.mjs', import.meta.url));
const COLD_VERIFY = fileURLToPath(new URL('./cold-verify.ts', import.meta.url));
const AST_GREP = fileURLToPath(
  new URL(`../node_modules/@ast-grep/cli-linux-${process.arch}-gnu/ast-grep`, import.meta.url),
);

export async function measureCheck(scratch: string): Promise<Measurement[]> {
  const root = await makeBenchProject(scratch);
  const usual = await installRules(root, USUAL_CAPTURES, 'usual');
  const cold = coldVerification(usual);
  const speed = await compared(usual);
  await rm(join(root, '.taskless'), { recursive: true });
  const many = await check(await installRules(root, MANY_CAPTURES, 'many'), { own: 0, child: 0 });
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  const budgetMs = BUDGET_TIMES_SCAN * speed.scanMs + BUDGET_PER_RULE_MS * speed.matching;
  const memory = many.peak.own / speed.peak.own;
  return [
    {
      what: `assay check, ${USUAL_CAPTURES.length} rules, ${speed.matches} matches, against one bare scan (${Math.round(speed.scanMs)} ms)`,
      measured: `${Math.round(speed.checkMs)} ms (${(speed.checkMs / speed.scanMs).toFixed(2)} ×)`,
      budget: `${Math.round(budgetMs)} ms (1.5 × and 60 ms for each rule that matches)`,
      ratio: speed.checkMs / budgetMs,
    },
    {
      what: `its memory with ${(many.matches / speed.matches).toFixed(0)} times the matches (${megabytes(speed.peak.own)} before; largest child ${megabytes(speed.peak.child)}, then ${megabytes(many.peak.child)})`,
      measured: `${megabytes(many.peak.own)} (${memory.toFixed(2)} ×)`,
      budget: `${BUDGET_TIMES_MEMORY} ×`,
      ratio: memory / BUDGET_TIMES_MEMORY,
    },
    {
      what: `first verification of a process (median of ${ROUNDS})`,
      measured: `${cold.toFixed(1)} ms`,
      budget: `${BUDGET_COLD_MS} ms`,
      ratio: cold / BUDGET_COLD_MS,
    },
  ];
}

interface Checked {
  readonly ms: number;
  readonly matches: number;
  /** Rules with matches. */
  readonly matching: number;
  readonly peak: Peak;
}

async function compared(project: BenchProject) {
  const scans: number[] = [];
  const checks: Checked[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    scans.push(await scanMs(project));
    checks.push(await check(project));
  }
  const { peak } = await check(project, { own: 0, child: 0 });
  const [one] = checks;
  if (one === undefined) throw new Error('nothing was run');
  return {
    scanMs: median(scans),
    checkMs: median(checks.map(({ ms }) => ms)),
    matches: one.matches,
    matching: one.matching,
    peak,
  };
}

function scanMs({ root, scanConfig }: BenchProject): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(AST_GREP, ['scan', '--config', scanConfig, '--json=stream'], {
    cwd: root,
    stdio: 'ignore',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(performance.now() - startedMs));
  });
}

/** @param watched filled with what it takes of memory; looking at that takes time of its own */
async function check({ root, keyFile }: BenchProject, watched?: Peak): Promise<Checked> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [ASSAY, 'check', '--json', '--key', keyFile], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const unwatch = watched === undefined ? () => {} : watchMemory(child.pid ?? 0, watched);
  let output = '';
  child.stdout.on('data', (part) => {
    output += part;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const ms = performance.now() - startedMs;
  unwatch();
  if (code !== 1) throw new Error(`assay check ended with ${code}: ${output.slice(0, 500)}`);
  const { rules } = JSON.parse(output) as { rules: { matches: number }[] };
  const matches = rules.reduce((sum, rule) => sum + rule.matches, 0);
  return {
    ms,
    matches,
    matching: rules.filter((rule) => rule.matches > 0).length,
    peak: watched ?? { own: 0, child: 0 },
  };
}

function coldVerification({ root, keyFile }: BenchProject): number {
  const directory = join(root, '.taskless/rules/runtime/usual-0');
  const once = (): number =>
    Number(execFileSync(process.execPath, [COLD_VERIFY, directory, keyFile], { encoding: 'utf8' }));
  return median(Array.from({ length: ROUNDS }, once));
}
