/** The command as a process, and small rule directories for it. */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SignedRule } from '../support/signed.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const ASSAY = join(ROOT, 'bin/assay.mjs');

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly pid: number | undefined;
}

/** Runs `assay` in `cwd`, with nothing of our environment but what is given. */
export function assayIn(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [ASSAY, ...args], {
      cwd,
      env: { PATH: process.env.PATH ?? '', NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part) => (stdout += part));
    child.stderr.on('data', (part) => (stderr += part));
    child.on('close', (code) => resolve({ code, stdout, stderr, pid: child.pid }));
  });
}

export async function writeTree(
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

/** A signed rule as a directory, its bundle in it. */
export function writeSigned(
  directory: string,
  { files, bundle }: Pick<SignedRule, 'files' | 'bundle'>,
): Promise<string> {
  return writeTree(directory, { ...Object.fromEntries(files), 'rule.sigstore.json': bundle });
}

export const CAPTURE = `id: eval-12345678
language: typescript
rule:
  pattern: eval($CODE)
metadata:
  taskless: { version: 1, kind: runtime, name: call, check: check.ts }
`;
export const CHECK = `interface Match { file: string; line: number }
export default (_root: string, matches: Match[]) =>
  matches.map(({ file, line }) => ({ file, line, message: 'eval is used' }));
`;
export const RULE: Readonly<Record<string, string>> = {
  'check.ts': CHECK,
  'captures/call.yml': CAPTURE,
  '.tests/valid/json/a.ts': 'JSON.parse(s);\n',
  '.tests/invalid/eval/a.ts': 'eval(s);\n',
};

let counter = 0;
/** Writes the rule above with changes, `null` for a file that is not to be there; returns its directory. */
export function writeRule(scratch: string, over: Record<string, string | null> = {}): Promise<string> {
  counter += 1;
  const files = Object.entries({ ...RULE, ...over }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return writeTree(join(scratch, `rule-${counter}`), Object.fromEntries(files));
}
