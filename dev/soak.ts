/**
 * `npm run soak`: thousands of verifications against one host, to see that it stays as large as it was:
 * memory, open descriptors and files. Prints what it measured; exits 1 when something grew.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openSandbox } from '../cli/open-sandbox.ts';
import { verifyAll } from '../src/sandboxes/verify-all.ts';
import type { RuleCase } from '../src/schema/request.ts';
import { endWithParent } from './end-with-parent.ts';
import { table } from './table.ts';

endWithParent();

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    sandbox: { type: 'string', default: 'host' },
  },
});
const runs = Number(values.runs);
const kind = values.sandbox;
if (!Number.isInteger(runs) || runs < 100 || (kind !== 'host' && kind !== 'isolate')) {
  process.stderr.write('usage: npm run soak -- [--runs N, at least 100] [--sandbox host|isolate]\n');
  process.exit(2);
}

const AT_ONCE = 4;
const SAMPLES = 10;
/** V8 gives memory back late; what matters is that it does not go on growing once it is warm. */
const MAX_GROWTH_BYTES = 16 * 1024 * 1024;
const MIB = 1024 * 1024;

const CAPTURE = {
  file: 'captures/calls.yml',
  id: 'calls',
  name: 'calls',
  match: 'anchor',
  language: 'typescript',
  scoped: false,
} as const;
const CAPTURE_YML = `id: calls
language: typescript
rule: { pattern: mark($A) }
metadata: { taskless: { version: 1, kind: runtime, name: calls, check: check.ts, match: anchor } }
`;
/** Every kind of end, because each leaves by another way. */
const BODIES = [
  "return [{ file: 'a.ts', message: 'm' }];",
  'return [];',
  "throw new Error('no');",
  "console.log('x'.repeat(20_000)); return [];",
  'await new Promise(() => {});',
];
const CASES: RuleCase[] = ['one', 'two'].map((name) => ({
  name,
  kind: 'invalid',
  files: { 'a.ts': 'mark(1);\n', 'lib/b.ts': 'export {};\n' },
}));

interface Sample {
  readonly done: number;
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly files: number;
  readonly children: number;
}

/** Entries of the host's own directories; it names them by its process id. */
function temporaryFiles(pid: number): number {
  const own = readdirSync(tmpdir()).filter((name) => name.startsWith('assay-') && name.includes(`-${pid}-`));
  return own.reduce((sum, name) => sum + readdirSync(join(tmpdir(), name)).length, 0);
}

function sample(pid: number, done: number): Sample {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  const residentBytes = Number(resident) * 1024;
  return { done, residentBytes, descriptors, files: temporaryFiles(pid), children: children.length };
}

const before = new Set(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' '));
const { sandbox, stop } = await openSandbox(kind);
const pid = Number(
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .find((child) => !before.has(child)),
);
try {
  const samples: Sample[] = [];
  const startedMs = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < runs) {
      const n = next;
      next += 1;
      const body = BODIES[n % BODIES.length] ?? '';
      // A new check each time, so that what the host keeps of old ones has to be bounded.
      const check = `// ${n}\nexport default async () => { ${body} };\n`;
      const rule = { files: { 'check.ts': check, [CAPTURE.file]: CAPTURE_YML }, captures: [CAPTURE] };
      await verifyAll(sandbox, rule, CASES, 5_000);
      if ((n + 1) % Math.floor(runs / SAMPLES) === 0) samples.push(sample(pid, n + 1));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const seconds = (performance.now() - startedMs) / 1_000;
  console.log(
    table(
      ['verifications', 'resident MiB', 'descriptors', 'temporary files', 'children'],
      samples.map((one) => [
        String(one.done),
        (one.residentBytes / MIB).toFixed(1),
        String(one.descriptors),
        String(one.files),
        String(one.children),
      ]),
    ),
  );
  console.log(
    `${runs} verifications of ${CASES.length} cases in the ${kind} sandbox took ${seconds.toFixed(0)} s`,
  );
  process.exitCode = grew(samples) ? 1 : 0;
} finally {
  await stop();
}

/** The last third against what was before it: until then V8 finds out how large a heap pays (measured). */
function grew(samples: readonly Sample[]): boolean {
  const warm = samples[Math.floor((samples.length * 2) / 3) - 1];
  const last = samples.at(-1);
  if (warm === undefined || last === undefined) return true;
  const growth = last.residentBytes - warm.residentBytes;
  const problems = [
    ...(growth > MAX_GROWTH_BYTES
      ? [`memory grew by ${(growth / MIB).toFixed(1)} MiB in the last third`]
      : []),
    ...(last.descriptors > warm.descriptors + 100 ? ['descriptors are left open'] : []),
    ...(last.files > warm.files + 500 ? ['temporary files are left'] : []),
  ];
  for (const problem of problems) console.log(`GREW: ${problem}`);
  if (problems.length === 0) console.log(`flat: ${(growth / MIB).toFixed(1)} MiB more in the last third`);
  return problems.length > 0;
}
