/** The self-test must see a wall that is not there: rooms with one wall left out each. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Weakness } from '../../container/jail/jail.ts';
import { measureIsolation } from '../../container/jail/self-test.ts';
import { buildSkeleton, type Skeleton } from '../../container/jail/skeleton.ts';
import { findTools, type Tools } from '../../container/jail/tools.ts';
import { utilLinuxJail } from '../../container/jail/util-linux.ts';
import { type HealthResponse, ISOLATION_FLAGS, type IsolationFlag } from '../../container/protocol.ts';
import { makeHostDir } from '../../container/temp.ts';
import { AST_GREP, IS_ROOT, jailForms, NODE, ROOT, startHost } from './support.ts';

let hostDir: string;
let skeleton: Skeleton;
let tools: Tools;

beforeAll(() => {
  const found = findTools();
  if (!('sh' in found)) throw new Error(`missing: ${found.join()}`);
  tools = found;
  hostDir = makeHostDir();
  skeleton = buildSkeleton({
    hostDir,
    sourceDir: join(ROOT, 'container'),
    node: NODE,
    astGrep: AST_GREP,
    tools,
  });
});
afterAll(() => rmSync(hostDir, { recursive: true, force: true }));

const jail = (userNamespaces: boolean, weaknesses: readonly Weakness[]) => {
  // Without a pid namespace of its own a user namespace may mount no /proc, and no room would be built.
  const outerProc = weaknesses.includes('processes');
  return utilLinuxJail(skeleton, tools, { userNamespaces, asRoot: IS_ROOT, outerProc, weaknesses });
};

async function fallen(userNamespaces: boolean, weaknesses: readonly Weakness[]): Promise<IsolationFlag[]> {
  const { flags } = await measureIsolation(jail(userNamespaces, weaknesses), hostDir);
  expect(Object.keys(flags).sort()).toEqual([...ISOLATION_FLAGS].sort());
  return ISOLATION_FLAGS.filter((flag) => !flags[flag]);
}

describe.each(jailForms())('%s', (form) => {
  it('all walls stand', async () => {
    const host = await startHost(['--jail', form]);
    const health = (await (await fetch(`${host.url}/healthz`)).json()) as HealthResponse;
    const fallen = ISOLATION_FLAGS.filter((flag) => !health.isolation.flags[flag]);
    expect(fallen, host.stderr()).toEqual([]);
    expect(health.ok).toBe(true);
    expect(health.isolation).toMatchObject({ jail: form.replace(/-(root|outer-proc)$/, '') });
    expect(await host.stop()).toBe(0);
  });
});

describe('a wall left out shows as false', () => {
  it('none left out', async () => {
    expect(await fallen(true, [])).toEqual([]);
  });
  it('network', async () => {
    // Whether a public address answers depends on the machine; the host's own listeners always do.
    expect(await fallen(true, ['network'])).toContain('loopbackBlocked');
  });
  it('processes', async () => {
    expect(await fallen(true, ['processes'])).toEqual(['hostProcessesHidden']);
  });
  it('writable case', async () => {
    expect(await fallen(true, ['case-writable'])).toEqual(['caseWriteBlocked']);
  });
  it('privileges', async () => {
    expect(await fallen(true, ['privileges'])).toEqual(['noNewPrivileges']);
  });
  it('capabilities', async () => {
    expect(await fallen(true, ['capabilities'])).toContain('capabilitiesDropped');
  });
  it('host files', async () => {
    expect(await fallen(true, ['host-files'])).toEqual(
      expect.arrayContaining(['hostFilesHidden', 'outsideWriteBlocked']),
    );
  });
  it.skipIf(!IS_ROOT)('capabilities, without user namespaces', async () => {
    expect(await fallen(false, ['capabilities'])).toContain('capabilitiesDropped');
  });
  it('a probe that cannot run counts as nothing held', async () => {
    const broken = { ...jail(true, []), command: () => ({ file: '/bin/false', args: [], files: {} }) };
    const { flags } = await measureIsolation(broken, hostDir);
    expect(Object.values(flags).some(Boolean)).toBe(false);
  });
});
