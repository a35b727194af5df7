/** Starts isolate hosts, the local one as a child process and the Worker under workerd, and talks to them over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unstable_startWorker } from 'wrangler';
import type { CaseResult, VerifyRequest, VerifyResponse } from '../../container/protocol.ts';
import { MARKED, NODE, ROOT, request } from '../container/support.ts';

export interface IsolateHost {
  readonly url: string;
  readonly child: ChildProcess | undefined;
  stderr(): string;
  verify(request: VerifyRequest): Promise<VerifyResponse>;
  stop(): Promise<number | null>;
}

export const MAIN = join(ROOT, 'isolate/main.ts');

export async function startLocal(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  wrapper: readonly string[] = [],
): Promise<IsolateHost> {
  const [file = '', ...rest] = [...wrapper, NODE, MAIN, '--exit-with-stdin', ...args];
  const child = spawn(file, rest, { stdio: 'pipe', env: { ...process.env, ...env } });
  let stderr = '';
  child.stderr.on('data', (part) => {
    stderr += part;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (part: Buffer) => resolve(part.toString()));
    ended.then((code) => reject(new Error(`the host ended with ${code}: ${stderr}`)));
  });
  const { listening: url } = JSON.parse(line) as { listening: string };
  return {
    url,
    child,
    stderr: () => stderr,
    verify: (body) => verify(url, body),
    stop() {
      child.stdin.end();
      return ended;
    },
  };
}

export const BUILD = 'sha256:of-a-test';

/** The runtime asks for a description of its own request over the network otherwise: no name is looked up. */
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';

export async function startLoader(): Promise<IsolateHost> {
  const worker = await unstable_startWorker({
    config: join(ROOT, 'wrangler.isolate.jsonc'),
    bindings: { BUILD_ID: { type: 'plain_text', value: BUILD } },
    dev: { server: { hostname: '127.0.0.1', port: 0 }, watch: false, logLevel: 'error', inspector: false },
  });
  await worker.ready;
  const url = String(await worker.url).replace(/\/$/, '');
  return {
    url,
    child: undefined,
    stderr: () => '',
    verify: (body) => verify(url, body),
    async stop() {
      await worker.dispose();
      return 0;
    },
  };
}

async function verify(url: string, body: VerifyRequest): Promise<VerifyResponse> {
  const response = await fetch(`${url}/verify`, { method: 'POST', body: JSON.stringify(body) });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as VerifyResponse;
}

/** The result of one check on one case with one match. */
export async function runCheck(
  host: IsolateHost,
  check: string,
  caseTimeoutMs = 5_000,
  files = MARKED.files,
): Promise<CaseResult> {
  const limits = { caseTimeoutMs, totalTimeoutMs: 60_000 };
  const { results } = await host.verify(request(check, { limits, cases: [{ id: 'c0', files }] }));
  const [result] = results;
  if (result === undefined) throw new Error('there is no result');
  return result;
}

/** workerd processes below the process with this id. */
export function isolateProcesses(hostPid: number | undefined): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return /^\d+$/.test(pid) && Number(parent) === hostPid && command !== '' && command.includes('workerd');
    } catch {
      return false;
    }
  });
}
