/**
 * A sandbox for one command: started on this machine, ended with the command, by Ctrl-C too. A kind that
 * cannot be had here is said so, with the next move; another kind is never taken in its place silently.
 */
import { fileURLToPath } from 'node:url';
import { type HttpAddress, HttpSandbox } from '../src/sandboxes/http.ts';
import type { Sandbox } from '../src/sandboxes/sandbox.ts';
import type { SandboxKind } from '../src/schema/report.ts';
import { startVerificationHost, type VerificationHost } from './verification-host.ts';

export interface OpenSandbox {
  readonly sandbox: Sandbox;
  stop(): Promise<void>;
}

const ISOLATE_MAIN = fileURLToPath(new URL('../isolate/main.ts', import.meta.url));

const START: Readonly<Record<SandboxKind, () => Promise<VerificationHost>>> = {
  host: () => startVerificationHost(),
  isolate: () => startVerificationHost({ main: ISOLATE_MAIN }),
  // Only here, because most commands and machines have nothing to do with Docker.
  container: async () => (await import('./container-host.ts')).startContainerHost(),
};

/** @throws UsageError SANDBOX_UNAVAILABLE | NO_JAIL | NO_DOCKER | NO_IMAGE, each with the next move */
export async function openSandbox(kind: SandboxKind): Promise<OpenSandbox> {
  const host = await START[kind]();
  const address: HttpAddress = { url: host.url, token: host.token, buildId: host.buildId };
  return { sandbox: new HttpSandbox(kind, address), stop: () => host.stop() };
}
