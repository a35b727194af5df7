/** Our back end in workerd over the engine, seen from Node as just another sandbox. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as MiniflareModule from 'miniflare';
import { Fault, type FaultCode } from '../../src/errors.ts';
import type { Sandbox } from '../../src/sandboxes/sandbox.ts';
import type { HostAnswer } from '../../src/schema/report.ts';
import { containersOf, docker } from './docker.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
// The one that wrangler brings, and so the workerd that `wrangler dev` would run.
const fromWrangler = createRequire(createRequire(import.meta.url).resolve('wrangler'));
const { convertV4MiniflareOptions, Miniflare } = fromWrangler('miniflare') as typeof MiniflareModule;

export interface Suite {
  readonly image: string;
  readonly sandbox: Sandbox;
  /** Calls a door of the Worker; a fault there is thrown here. */
  call<T>(door: string, body?: string): Promise<T>;
  /** Ends workerd at once; its containers go on. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** @param stateDir keeps what Durable Objects stored, for a workerd that takes over from another */
export async function startSuite(stateDir?: string): Promise<Suite> {
  const image = required('ASSAY_SUITE_IMAGE');
  const workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'worker.js', contents: bundle() }],
      compatibilityDate: '2026-10-20',
      // The SDK tells of every start and end of a container, at length.
      handleStructuredLogs: () => {},
      durableObjects: {
        VERIFICATION_CONTAINER: containerClass('VerificationContainer', image),
        OPEN_CONTAINER: containerClass('OpenContainer', image),
        CONTAINER_GATE: { className: 'ContainerGate', useSQLite: true },
      },
      ...(stateDir === undefined ? {} : { resourcePersistencePath: stateDir }),
      bindings: { BUILD_ID: required('ASSAY_SUITE_BUILD') },
      containerEngine: {
        localDocker: {
          socketPath: required('DOCKER_HOST'),
          containerEgressInterceptorImage: required('ASSAY_SUITE_SIDECAR'),
        },
      },
    }),
  );
  await workerd.ready;
  const call = async <T>(door: string, body = ''): Promise<T> => {
    const response = await workerd.dispatchFetch(`http://suite/${door}`, { method: 'POST', body });
    const answer = (await response.json()) as {
      value?: T;
      fault?: { code: FaultCode; message: string };
    };
    if (answer.fault !== undefined) throw new Fault(answer.fault.code, answer.fault.message);
    return answer.value as T;
  };
  let ended: Promise<void> | undefined;
  const kill = (): Promise<void> => {
    ended ??= workerd.dispose();
    return ended;
  };
  return {
    image,
    call,
    sandbox: { kind: 'container', verify: (one) => call<HostAnswer>('verify', JSON.stringify(one)) },
    kill,
    stop: async () => {
      await kill();
      // workerd keeps a sidecar for a while after its container is gone, and then dies without removing it.
      const left = containersOf(required('ASSAY_SUITE_SIDECAR'));
      if (left.length > 0) docker(['rm', '--force', ...left]);
    },
  };
}

function containerClass(
  className: string,
  imageName: string,
): { className: string; useSQLite: boolean; container: { imageName: string } } {
  return { className, useSQLite: true, container: { imageName } };
}

function bundle(): string {
  const dir = mkdtempSync(join(tmpdir(), 'assay-docker-suite-'));
  try {
    const args = ['deploy', '--dry-run', '--outdir', dir, '--config', join(HERE, 'wrangler.jsonc')];
    const wrangler = fileURLToPath(new URL('../../node_modules/wrangler/bin/wrangler.js', import.meta.url));
    const run = spawnSync(process.execPath, [wrangler, ...args], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`wrangler made no bundle: ${run.stderr}`);
    return readFileSync(join(dir, 'docker-worker.js'), 'utf8');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the suite with npm run test:docker`);
  return value;
}
