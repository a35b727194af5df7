/**
 * The outside measurements of the hostile corpus see what they are there to see: each is shown one attack
 * that was not contained.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostCaseResult } from '../../src/schema/report.ts';
import { type Attack, parseAttack } from '../support/hostile/attack.ts';
import { corpusBackEnds, type RunningBackEnd } from '../support/hostile/back-ends.ts';
import { type Canaries, openCanaries } from '../support/hostile/canaries.ts';
import { differs, expectedOf } from '../support/hostile/expectation.ts';
import { watchLeftovers } from '../support/hostile/leftovers.ts';
import { request } from './support.ts';

describe('canaries', () => {
  let canaries: Canaries;
  beforeAll(async () => {
    canaries = await openCanaries();
  });
  afterAll(() => canaries.close());

  it('tell a visitor at a door', async () => {
    expect(canaries.visits()).toEqual([]);
    const { port, abstractName, fifo } = canaries.addresses;
    for (const where of [{ port: Number(port), host: '127.0.0.1' }, { path: `\0${abstractName}` }]) {
      await new Promise((resolve) => connect(where).on('close', resolve).resume());
    }
    writeFileSync(String(fifo), 'was here');
    expect(canaries.visits()).toEqual(['tcp', 'abstract socket', 'fifo']);
    expect(canaries.visits()).toEqual([]);
  });

  it('tell a changed file, a file outside and a killed process', async () => {
    expect(canaries.damage()).toEqual([]);
    writeFileSync(String(canaries.addresses.file), 'changed');
    expect(canaries.damage()).toEqual(['the canary file or folder changed']);
    process.kill(Number(canaries.addresses.pid), 'SIGKILL');
    for (let tries = 0; tries < 100 && canaries.damage().length === 0; tries += 1) await wait(20);
    expect(canaries.damage()).toEqual(['another process was killed']);
  });
});

describe('leftovers', () => {
  let backEnd: RunningBackEnd;
  beforeAll(async () => {
    const host = corpusBackEnds().find(({ column }) => column === 'util-linux');
    if (host === undefined) throw new Error('there is no such back end');
    backEnd = await host.start({});
  });
  afterAll(() => backEnd.stop());

  it('tell a living room from one made ready, and a file', async () => {
    const leftovers = await watchLeftovers(backEnd, 'host', 1_000);
    expect(await leftovers.findAtRest()).toEqual([]);
    const limits = { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 };
    const leave = new AbortController();
    const hanging = fetch(`${backEnd.url}/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${backEnd.token}` },
      body: JSON.stringify(request('export default () => { for (;;); };', { limits })),
      signal: leave.signal,
    }).catch(() => undefined);
    await wait(1_500);
    expect((await leftovers.find()).processes).not.toEqual([]);
    leave.abort();
    await hanging;
    writeFileSync(join(backEnd.tempDir ?? '', 'left'), '');
    expect((await leftovers.find()).files).toEqual(['left is left']);
  });
});

describe('expectations', () => {
  const header = (text: string): string => `/*---\n${text}\n---*/\n`;
  const attackOf = (expected: string): Attack =>
    parseAttack(
      'time/x.ts',
      header(`tries: something or other\nexpect: ${expected}\nevidence: is there for once\nwatch: [time]`),
    );
  const result: HostCaseResult = {
    ...({ id: 'c0', stage: 'check', outcome: 'exited' } as const),
    ...{ matchCount: 1, matches: [], findings: [], console: '', trees: [], narrowMs: 1, checkMs: 1 },
  };
  const endsOf = (expected: string) => {
    const found = expectedOf(attackOf(expected), 'util-linux', true);
    return 'ends' in found ? found.ends : [];
  };

  it('are exact', () => {
    const error = { name: 'Error', message: 'gone' };
    expect(differs(result, endsOf('{ outcome: exited }'))).toBeUndefined();
    expect(differs(result, endsOf('{ outcome: timed_out }'))).toMatch('outcome');
    expect(differs({ ...result, error }, endsOf('{ outcome: exited }'))).toMatch('error');
    expect(
      differs({ ...result, error }, endsOf('{ outcome: exited, error: { name: Error, message: ^g } }')),
    ).toBe(undefined);
    expect(
      differs({ ...result, error }, endsOf('{ outcome: exited, error: { name: Error, message: x } }')),
    ).toMatch('message');
    const finding = { file: 'a.ts', message: 'm' };
    expect(differs({ ...result, findings: [finding] }, endsOf('{ outcome: exited }'))).toMatch('findings');
    expect(differs({ ...result, stage: 'narrow' }, endsOf('{ outcome: exited }'))).toMatch('stage');
  });

  it('refuse a header that says too little or too much', () => {
    expect(() => parseAttack('time/x.ts', 'export default () => [];')).toThrow('header');
    expect(() => attackOf('{ outcome: exited, surprise: 1 }')).toThrow('surprise');
    expect(() => attackOf('[{ outcome: exited }, { outcome: timed_out }]')).toThrow('because');
    expect(() => parseAttack('other/x.ts', header(''))).toThrow('folder');
  });
});
