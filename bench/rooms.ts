/**
 * One jailed case against a bare start of node, taken in turns in one run: in a room that is built for
 * it, and in one that was made ready ahead.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { startVerificationHost } from '../cli/verification-host.ts';
import { HttpSandbox } from '../src/sandboxes/http.ts';
import type { SandboxCall } from '../src/sandboxes/sandbox.ts';
import { median } from './median.ts';
import type { Measurement } from './run.ts';

const ROUNDS = 25;
const BUDGET_TIMES_NODE = 1.5;

const CAPTURE = 'captures/call.yml';
const CALL: Omit<SandboxCall, 'id'> = {
  rule: {
    files: {
      'check.ts': "export default () => [{ file: 'a.ts', message: 'm' }];\n",
      [CAPTURE]: 'id: call\nlanguage: typescript\nrule: { pattern: mark($A) }\n',
    },
    captures: [
      { file: CAPTURE, id: 'call', name: 'call', match: 'anchor', language: 'typescript', scoped: false },
    ],
  },
  cases: [{ name: 'one', kind: 'invalid', files: { 'a.ts': 'mark(1);\n' } }],
  caseTimeoutMs: 10_000,
};

export async function measureRooms(scratch: string): Promise<Measurement[]> {
  const onDemand = await startVerificationHost({ args: ['--ready-rooms', '0'] });
  const ready = await startVerificationHost();
  const times = { node: [] as number[], onDemand: [] as number[], ready: [] as number[] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      times.node.push(await nodeStartMs(scratch));
      times.onDemand.push(await checkMs(new HttpSandbox('host', onDemand), round));
      // Time for the host to make the room that it will use, as between two verifications.
      await wait(300);
      times.ready.push(await checkMs(new HttpSandbox('host', ready), round));
      await wait(300);
    }
  } finally {
    await onDemand.stop();
    await ready.stop();
  }
  const nodeMs = median(times.node);
  const line = (what: string, ms: number): Measurement => ({
    what: `${what} (${ms.toFixed(0)} ms) against a bare node start (${nodeMs.toFixed(0)} ms)`,
    measured: `${(ms / nodeMs).toFixed(2)} ×`,
    budget: `${BUDGET_TIMES_NODE} ×`,
    ratio: ms / nodeMs / BUDGET_TIMES_NODE,
  });
  return [
    line('jailed case in a room built for it', median(times.onDemand)),
    line('jailed case in a ready room', median(times.ready)),
  ];
}

/** Of the process alone, as the host measures its rooms: from spawn to the end of its pipes. */
async function nodeStartMs(scratch: string): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['-e', ''], { cwd: scratch, env: {}, stdio: 'pipe' });
  child.stdin.end();
  await once(child, 'close');
  return performance.now() - startedMs;
}

async function checkMs(sandbox: HttpSandbox, round: number): Promise<number> {
  const [result] = (await sandbox.verify({ ...CALL, id: `bench-${round}` })).results;
  if (result?.outcome !== 'exited' || result.findings.length !== 1) throw new Error('the bench case failed');
  return result.checkMs;
}
