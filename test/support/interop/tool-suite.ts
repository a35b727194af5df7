/**
 * One external tool against one export format, with the very command that `assay export` prints: it must
 * accept what was signed and refuse each thing that differs. A tool that is not there is named and skipped.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signBundle } from '../../../src/signing/bundle.ts';
import type { SigningKey } from '../../../src/signing/ed25519.ts';
import { bareSidecar, keyedSidecar, signedSidecar } from '../../../src/signing/sidecars/formats.ts';
import { type Format, isBare, isKeyed } from '../../../src/signing/sidecars/names.ts';
import { partsOf, type Sidecar } from '../../../src/signing/sidecars/parts.ts';
import { keyOf, signedRule } from '../signed.ts';

/** Which file of the format is what. */
export interface Roles {
  readonly data: string;
  readonly signature: string;
  readonly key: string;
}

/** The same rule by another key, and another rule's statement by the same key. */
export interface Samples {
  readonly honest: Sidecar;
  readonly otherKey: Sidecar;
  readonly otherStatement: Sidecar;
}

export async function samplesOf(format: Format): Promise<Samples> {
  const { key, statement } = await signedRule();
  const named = (name: string) => ({
    ...statement,
    predicate: { ...statement.predicate, rule: { ...statement.predicate.rule, name } },
  });
  const make = async (name: string, by: SigningKey): Promise<Sidecar> => {
    const payload = new TextEncoder().encode(JSON.stringify(named(name)));
    const parts = await partsOf(new TextEncoder().encode(signBundle(payload, by)));
    if (!parts.ok) throw new Error(parts.message);
    if (isBare(format)) return bareSidecar(format, parts);
    return isKeyed(format) ? keyedSidecar(format, parts, by.publicKey) : signedSidecar(format, parts, by);
  };
  return {
    honest: await make('no-eval', key),
    otherKey: await make('no-eval', await keyOf(8)),
    otherStatement: await make('other', key),
  };
}

/** Runs `command` as a person would, in the folder of the files. */
export function shell(command: string, directory: string): { accepted: boolean; output: string } {
  const { status, stdout, stderr, error } = spawnSync('sh', ['-c', command], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (error !== undefined || status === null) throw new Error(`${command} did not run to an end`);
  // 126 and 127 are the shell's: nothing was verified.
  if (status === 126 || status === 127) throw new Error(`${command} could not be run: ${stderr}`);
  return { accepted: status === 0, output: `${stdout}${stderr}` };
}

/** Why a program cannot be used here, or `null`. `probe` must be in its help text. */
export function missing(program: string, help: readonly string[] = [], probe = ''): string | null {
  const { error, stdout, stderr } = spawnSync(program, help, { encoding: 'utf8', timeout: 20_000 });
  if (error !== undefined) return `${program} is not on PATH`;
  return `${stdout}${stderr}`.includes(probe) ? null : `${program} here knows no ${probe}`;
}

export function toolSuite(format: Format, roles: Roles, problem: string | null): void {
  if (problem !== null) process.stderr.write(`skipped: ${format}: ${problem}\n`);
  describe.skipIf(problem !== null)(`${format}${problem === null ? '' : ` (${problem})`}`, () => {
    let samples: Samples;
    let directory: string;
    const ask = async (over: Readonly<Record<string, string | Uint8Array | undefined>>) => {
      const files = { ...samples.honest.files, ...over };
      for (const [name, content] of Object.entries(files)) {
        await writeFile(join(directory, name), content ?? '');
      }
      return shell(samples.honest.commands[0] ?? 'false', directory);
    };

    beforeAll(async () => {
      samples = await samplesOf(format);
      directory = await mkdtemp(join(tmpdir(), 'assay-interop-'));
    });
    afterAll(() => rm(directory, { recursive: true, force: true }));

    test('accepts what was signed', async () => {
      expect(await ask({})).toMatchObject({ accepted: true });
    });

    test('refuses signed bytes with one bit changed: first, middle, last', async () => {
      const data = Buffer.from(samples.honest.files[roles.data] ?? '');
      for (const at of [0, data.length >> 1, data.length - 2]) {
        const tampered = Buffer.from(data);
        tampered[at] = (tampered[at] ?? 0) ^ 1;
        expect(await ask({ [roles.data]: tampered }), `byte ${at}`).toMatchObject({ accepted: false });
      }
    });

    test("refuses another statement's signature, another key's signature, another key", async () => {
      const { otherKey, otherStatement } = samples;
      for (const over of [
        { [roles.signature]: otherStatement.files[roles.signature] },
        { [roles.signature]: otherKey.files[roles.signature] },
        { [roles.key]: otherKey.files[roles.key] },
        { [roles.signature]: '' },
      ]) {
        expect(await ask(over), Object.keys(over).join()).toMatchObject({ accepted: false });
      }
    });
  });
}
