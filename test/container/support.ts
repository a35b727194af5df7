/** Starts real hosts as child processes and talks to them over HTTP, as the Worker does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findTool } from '../../container/jail/tools.ts';
import type { CaptureInput, CaseInput, VerifyRequest, VerifyResponse } from '../../container/protocol.ts';

export const ROOT = join(import.meta.dirname, '../..');
const PINNED_NODE = join(ROOT, 'node_modules/.bin/node');
export const NODE = existsSync(PINNED_NODE) ? PINNED_NODE : process.execPath;
export const MAIN = join(ROOT, 'container/main.ts');
export const AST_GREP = join(
  dirname(createRequire(import.meta.url).resolve(`@ast-grep/cli-linux-${process.arch}-gnu/package.json`)),
  'ast-grep',
);

export const IS_ROOT = process.getuid?.() === 0;
export const HAS_BWRAP = findTool('bwrap') !== undefined;

/** Every form of jail this machine can try, with the reason for those it cannot. */
export function jailForms(): string[] {
  if (!HAS_BWRAP) console.warn('bubblewrap tests are skipped: bwrap is not installed');
  if (!IS_ROOT) console.warn('util-linux-root tests are skipped: not root');
  return ['util-linux', ...(IS_ROOT ? ['util-linux-root'] : []), ...(HAS_BWRAP ? ['bubblewrap'] : [])];
}

export interface TestHost {
  readonly url: string;
  readonly child: ChildProcess;
  readonly stderr: () => string;
  verify(request: VerifyRequest): Promise<VerifyResponse>;
  /** Closes stdin and waits for the end. */
  stop(): Promise<number | null>;
}

export interface HostExit {
  readonly code: number | null;
  readonly stderr: string;
}

export class HostRefused extends Error {
  readonly exit: HostExit;
  constructor(exit: HostExit) {
    super(`the host ended with ${exit.code}: ${exit.stderr}`);
    this.exit = exit;
  }
}

/** `wrapper` goes in front of the command line, to start a host under other conditions. */
export async function startHost(
  args: readonly string[] = [],
  env: Record<string, string> = {},
  wrapper: readonly string[] = [],
): Promise<TestHost> {
  // No rooms made ready unless asked for: most tests count what is left over.
  const line = [...wrapper, NODE, MAIN, '--exit-with-stdin', '--ready-rooms', '0', ...args];
  const child = spawn(line[0] as string, line.slice(1), { stdio: 'pipe', env: { ...process.env, ...env } });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const ready = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    exited.then((code) => reject(new HostRefused({ code, stderr })));
  });
  const { listening: url } = JSON.parse(ready) as { listening: string };
  return {
    url,
    child,
    stderr: () => stderr,
    async verify(request) {
      const response = await fetch(`${url}/verify`, { method: 'POST', body: JSON.stringify(request) });
      if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
      return (await response.json()) as VerifyResponse;
    },
    async stop() {
      child.stdin.end();
      return exited;
    },
  };
}

export const CALLS_YML = `id: calls-1
language: typescript
rule:
  pattern: mark($A)
metadata:
  taskless:
    version: 1
    kind: runtime
    name: calls
    check: check.ts
    match: anchor
`;

export const CALLS: CaptureInput = {
  file: 'captures/calls.yml',
  id: 'calls-1',
  name: 'calls',
  match: 'anchor',
  language: 'typescript',
  scoped: false,
};

export const MARKED: CaseInput = { id: 'c0', files: { 'src/a.ts': 'const a = 1;\nmark(a);\n' } };

export function request(check: string, change: Partial<VerifyRequest> = {}): VerifyRequest {
  return {
    protocol: 1,
    nonce: 'nonce-0123456789',
    rule: { files: { 'check.ts': check, 'captures/calls.yml': CALLS_YML }, captures: [CALLS] },
    cases: [MARKED],
    limits: { caseTimeoutMs: 5_000, totalTimeoutMs: 60_000 },
    ...change,
  };
}

/** Processes, zombies aside, that live in a room of the host with this pid. Rooms are told by what is mounted. */
export function roomProcesses(hostPid: number | undefined): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`/assay-host-${hostPid}-`)) continue;
      found.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`);
    } catch {
      // Ended meanwhile.
    }
  }
  return found;
}
