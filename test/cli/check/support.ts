/** Projects for `assay check`, and the command on them. */
import { chmod, mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicKeyPem, type SigningKey } from '../../../src/signing/ed25519.ts';
import { keyOf } from '../../support/signed.ts';
import {
  captureText,
  installRule,
  type RuleToSign,
  reportAll,
  type SignedDirectory,
  signDirectory,
  writeFiles,
} from '../../support/signed-project.ts';
import { assayIn, type Run } from '../support.ts';

export interface TestProject {
  readonly root: string;
  readonly key: SigningKey;
  /** Installs a signed rule; returns its directory. */
  add(rule: RuleToSign): Promise<{ readonly directory: string } & SignedDirectory>;
  /** `assay check` in the root, with the key trusted. */
  check(...args: string[]): Promise<Run>;
  checkJson(...args: string[]): Promise<Answer>;
}

/** Of the JSON form, as far as tests look at it. */
export interface Answer {
  readonly exitCode: number;
  readonly rules: readonly {
    readonly name: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
    readonly matches: number;
    readonly findings: number;
    readonly bundleSha256: string | null;
  }[];
  readonly findings: readonly {
    readonly rule: string;
    readonly file: string;
    readonly line?: number;
    readonly message: string;
    readonly severity: string;
    readonly fingerprint: string;
  }[];
  readonly counts: Readonly<Record<string, number>>;
  readonly truncated: boolean;
  readonly notScanned: readonly { readonly reason: string; readonly files: readonly string[] }[];
  readonly run: Run;
}

export async function makeProject(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<TestProject> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'assay-check-test-')));
  // A user without rights has to be able to read it, as rooms started by root do.
  await chmod(root, 0o755);
  await writeFiles(root, { '.taskless/taskless.json': '{"version": 5}\n', ...files });
  const key = await keyOf(7);
  await writeFile(join(root, '.taskless/key.pem'), publicKeyPem(key.publicKey));
  const check = (...args: string[]): Promise<Run> =>
    assayIn(root, ['check', '--key', '.taskless/key.pem', ...args]);
  return {
    root,
    key,
    async add(rule) {
      const signed = await signDirectory(key, rule);
      return { directory: await installRule(root, rule.name, signed.files), ...signed };
    },
    check,
    async checkJson(...args) {
      const run = await check('--json', ...args);
      return { ...(JSON.parse(run.stdout) as Omit<Answer, 'run'>), run };
    },
  };
}

/** A rule that reports every call of one function. */
export function callRule(name: string, callee: string, check = reportAll(`${callee} is called`)): RuleToSign {
  return {
    name,
    files: {
      'check.ts': check,
      'captures/call.yml': captureText({ id: `${name}-call`, rule: `{ pattern: ${callee}($A) }` }),
    },
  };
}

/** `name: status (reason)` of every rule, for comparison as a whole. */
export function statuses({ rules }: Answer): string[] {
  return rules.map(
    ({ name, status, reason }) => `${name}: ${status}${reason === undefined ? '' : ` (${reason})`}`,
  );
}

/** `file:line message` of every finding. */
export function lines({ findings }: Answer): string[] {
  return findings.map(({ file, line, message }) => `${file}:${line} ${message}`);
}
