/** A project with signed rules on disk, for tests and benchmarks of `assay check`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Hex } from '../../src/rules/digest.ts';
import { inspectRule } from '../../src/rules/inspect.ts';
import { inspectSg, isSgRule } from '../../src/rules/inspect-sg.ts';
import { BUNDLE_FILE, ruleDirectory } from '../../src/rules/layout.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import type { Statement } from '../../src/schema/statement.ts';
import { encodeStatement, signBundle } from '../../src/signing/bundle.ts';
import type { SigningKey } from '../../src/signing/ed25519.ts';
import { buildStatement } from '../../src/signing/statement.ts';
import { acceptedReport, cases as twoCases } from './rule.ts';

export interface RuleToSign {
  readonly name: string;
  /** `check.ts` and `captures/*.yml`, or `<name>.yml`. */
  readonly files: Readonly<Record<string, string>>;
  readonly cases?: readonly RuleCase[];
  /** For a check that inspection would refuse: walls have to hold without it. */
  readonly uninspected?: boolean;
  /** Changes what is stated before it is signed. */
  readonly state?: (statement: Statement) => Statement;
}

export interface SignedDirectory {
  /** Every file, the bundle too, by rule-relative path. */
  readonly files: Readonly<Record<string, string>>;
  readonly bundleSha256: string;
}

/** Signs whatever it is given, as a service that verified it would. */
export async function signDirectory(
  key: SigningKey,
  { name, files, cases = twoCases, uninspected = false, state = (statement) => statement }: RuleToSign,
): Promise<SignedDirectory> {
  const looked = uninspected ? { ...files, 'check.ts': 'export default () => [];\n' } : files;
  const inspect = isSgRule(files) ? inspectSg : inspectRule;
  const inspected = inspect({ name, summary: `Finds ${name}.`, files: looked });
  if (!inspected.ok) throw new Error(inspected.problems.map(({ message }) => message).join('; '));
  const rule = { ...inspected.value, files: { ...files } };
  const digest = 'ab'.repeat(32);
  const statement = await buildStatement({
    rule,
    cases,
    report: acceptedReport(cases),
    confirmation: null,
    request: { sha256: digest, promptSha256: digest },
    generation: { id: `gen-${name}`, attempts: 1 },
    model: { id: 'm', promptVersion: '1', promptSha256: digest, replySha256: digest },
    limits: { caseTimeoutMs: 10_000 },
    verifiedAt: '2026-01-01T00:00:00.000Z',
    signedAt: '2026-01-01T00:00:01.000Z',
  });
  const bundle = signBundle(encodeStatement(state(statement)), key);
  return {
    files: { ...ruleDirectory(rule, cases), [BUNDLE_FILE]: bundle },
    bundleSha256: await sha256Hex(bundle),
  };
}

export interface CaptureParts {
  readonly id: string;
  /** YAML of the `rule` key, in one line. */
  readonly rule: string;
  readonly language?: string;
  readonly name?: string;
  readonly match?: 'anchor' | 'broad';
  /** Further lines of YAML. */
  readonly more?: string;
}

export function captureText({
  id,
  rule,
  language = 'typescript',
  name = 'call',
  ...rest
}: CaptureParts): string {
  const { match = 'anchor', more = '' } = rest;
  const metadata = `{ version: 1, kind: runtime, name: ${name}, check: check.ts, match: ${match} }`;
  return `id: ${id}\nlanguage: ${language}\nrule: ${rule}\n${more}metadata:\n  taskless: ${metadata}\n`;
}

/** A check that reports every match with this message. */
export function reportAll(message: string, severity?: 'error' | 'warning' | 'info'): string {
  const extra = severity === undefined ? '' : `, severity: '${severity}'`;
  return `interface Match { file: string; line: number; column: number }
export default function check(_root: string, matches: Match[]) {
  return matches.map(({ file, line, column }) => ({ file, line, column, message: '${message}'${extra} }));
}
`;
}

export async function writeFiles(
  root: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

/** @returns the rule's directory */
export async function installRule(
  root: string,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const directory = join(root, '.taskless/rules', isSgRule(files) ? 'sg' : 'runtime', name);
  await writeFiles(directory, files);
  return directory;
}
