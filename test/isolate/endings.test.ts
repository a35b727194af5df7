/** How an isolate's end is read, where the check can write what the runtime writes; and what is no end of its own. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyRequest } from '../../container/protocol.ts';
import { Slots } from '../../container/slots.ts';
import { makeHostDir } from '../../container/temp.ts';
import { verifyCases } from '../../container/verify.ts';
import { bundleOf } from '../../isolate/bundle.ts';
import { endedWith, toChecked } from '../../isolate/exit.ts';
import { Output } from '../../isolate/local/output.ts';
import { roomScripts } from '../../isolate/local/room-scripts.ts';
import { runIsolate, signalOf } from '../../isolate/local/run.ts';
import { NOT_ASKED, type Seen, untilMeasured } from '../../isolate/local/self-test.ts';
import { findWorkerd, runtime } from '../../isolate/local/tools.ts';
import { type Factory, isolatesBackEnd, type Parsers } from '../../isolate/session.ts';
import { MARKED, request } from '../container/support.ts';

const GOOD = "export default () => [{ file: 'a', message: 'm' }];\n";

describe('the signal it died of', () => {
  it.each([
    ['the kernel’s word, whatever was printed', 'SIGSEGV', '*** Received signal #9: Killed\n', 11],
    ['the CPU limit', 'SIGXCPU', '', 24],
    ['killed from outside', 'SIGKILL', '*** Received signal #6: Aborted\n', 9],
    ['what the runtime said', null, '*** Received signal #6: Aborted\nstack: x\n', 6],
    ['what it said last', null, '*** Received signal #9: x\n*** Received signal #11: y\n', 11],
    ['never a kill that was only printed', null, '*** Received signal #9: Killed\n', 0],
    ['never a CPU limit that was only printed', null, '*** Received signal #24: x\n', 0],
    ['not what stands within a line', null, 'see *** Received signal #6: x\n', 0],
    ['nothing', null, '', 0],
  ] as const)('%s', (_name, signal, remarks, expected) => {
    expect(signalOf(signal, remarks)).toBe(expected);
  });
});

describe('output', () => {
  const write = (hasRemarks: boolean, ...chunks: readonly string[]): Output => {
    const output = new Output(100, 50);
    const read = output.stream(hasRemarks);
    for (const chunk of chunks) read(Buffer.from(chunk));
    read();
    return output;
  };
  it('counts what comes after last words, forged or not', () => {
    expect(write(true, '*** Received signal #6: x\n', `${'y'.repeat(60)}\n`)).toMatchObject({
      isTooMuch: true,
      text: '',
    });
    expect(write(true, '*** Received signal #6: x\n')).toMatchObject({ isTooMuch: false, text: '' });
  });
  it('counts a line that has not ended', () => {
    const output = new Output(100, 50);
    output.stream(true)(Buffer.from('y'.repeat(60)));
    expect(output.isTooMuch).toBe(true);
  });
  it('takes nothing for a remark where workerd makes none', () => {
    expect(write(false, '*** Received signal #6: x\n', 'after\n')).toMatchObject({
      text: '*** Received signal #6: x\nafter\n',
      remarks: '',
    });
  });
});

describe('a process', () => {
  let hostDir: string;
  beforeAll(() => {
    hostDir = makeHostDir();
    mkdirSync(join(hostDir, 'unused'), { recursive: true });
  });
  afterAll(() => rmSync(hostDir, { recursive: true, force: true }));
  const run = async (walls: ReturnType<typeof runtime>, check: string, timeoutMs: number) => {
    const task = { token: 't', matches: [] };
    const signal = new AbortController().signal;
    const bundle = bundleOf(roomScripts(), check, { a: '' });
    return toChecked(await runIsolate(walls, hostDir, bundle, { task, timeoutMs, signal }), 't');
  };

  it('that never listened is our failure, not a check that took too long', async () => {
    const slow = { ...runtime(findWorkerd().path), command: () => ['/bin/sleep', '30'] };
    expect(await run(slow, GOOD, 300)).toMatchObject({
      outcome: 'host_error',
      error: { name: 'HostError' },
      undead: false,
    });
  });

  it('that used up its CPU time is told so by the kernel', async () => {
    const walls = runtime(findWorkerd().path);
    const limited = {
      ...walls,
      command: (uid: number, args: readonly string[]) =>
        walls.command(uid, args).map((word) => (word.startsWith('--cpu=') ? '--cpu=1:3600' : word)),
    };
    expect(limited.command(1, [])).toContain('--cpu=1:3600');
    expect(await run(limited, 'export default () => { for (;;); };\n', 30_000)).toMatchObject({
      outcome: 'timed_out',
      error: { message: expect.stringContaining('CPU') },
    });
  });
});

describe('the self-test', () => {
  const seen = (probe: object, kernel: Seen['kernel'] = {}): Seen => ({
    probe: { ...probe },
    kernel,
    lookedUp: false,
  });
  const after = async (...all: readonly Seen[]): Promise<readonly [Seen, number]> => {
    let tries = 0;
    const result = await untilMeasured(async () => {
      tries += 1;
      return all[tries - 1] ?? seen({});
    });
    return [result, tries];
  };
  it('tries again what was not measured, three times at most', async () => {
    expect(await after(seen({}), seen({ a: true }, NOT_ASKED), seen({ a: true }))).toEqual([
      seen({ a: true }),
      3,
    ]);
    expect(await after()).toEqual([seen({}), 3]);
  });
  it('keeps what was measured, whatever it is', async () => {
    expect(await after(seen({ a: false }), seen({ a: true }))).toEqual([seen({ a: false }), 1]);
  });
});

describe('a parser', () => {
  const verify = async (parsers: Partial<Parsers>, body: VerifyRequest = request(GOOD)) => {
    const failure = async () => ({ failure: 'the parsing thread ended with 1' });
    const factory: Factory = {
      slots: new Slots(2),
      scripts: roomScripts(),
      parsers: {
        strip: async () => ({ value: { code: GOOD } }),
        narrow: failure,
        trees: failure,
        ...parsers,
      },
      run: async () => endedWith({ failure: 'not to be run' }),
    };
    const { results } = await verifyCases(isolatesBackEnd(factory), body, new AbortController().signal);
    return results[0];
  };
  const cases = [{ id: 'c0', files: MARKED.files }];

  it('whose thread ended is a failure that another try may not have', async () => {
    expect(await verify({}, request(GOOD, { cases }))).toMatchObject({
      outcome: 'host_error',
      error: { name: 'HostError', message: 'the parsing thread ended with 1' },
    });
  });
  it('that cannot read something never will', async () => {
    const narrow: Parsers['narrow'] = async () => ({ value: { unsupported: 'a syntax error' } });
    expect(await verify({ narrow }, request(GOOD, { cases }))).toMatchObject({
      outcome: 'host_error',
      error: { name: 'Unsupported' },
    });
  });
});
