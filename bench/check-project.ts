/**
 * A repository to run `assay check` on: 3 500 TypeScript files made from the sources of packages that are
 * installed anyway, the same on every run, and twenty signed rules that match in them.
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publicKeyPem } from '../src/signing/ed25519.ts';
import { keyOf } from '../test/support/signed.ts';
import { captureText, installRule, signDirectory } from '../test/support/signed-project.ts';

const FILES = 3_500;
const SOURCES = ['zod/src', 'ajv/lib', '@anthropic-ai/sdk/src'];
const MAX_SOURCE_BYTES = 40_000;
const NODE_MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));

/** About 65 000 matches, from 76 to 17 000 for each. */
export const USUAL_CAPTURES = [
  ...['console.log($$$A)', 'new Error($$$A)', 'JSON.parse($A)', 'JSON.stringify($$$A)', 'Object.keys($A)'],
  ...['$A.map($B)', '$A.push($B)', 'throw $A', 'await $A', 'console.error($$$A)', 'if ($A) return $B'],
  ...['export const $A = $B', '$A === undefined', 'typeof $A', '$A ?? $B', 'return $A', '$A as any'],
  ...['$X.parse($Y)', 'Array.isArray($A)'],
].map((pattern) => `{ pattern: ${JSON.stringify(pattern)} }`);
USUAL_CAPTURES.push('{ kind: import_statement }');

/** Ten times as many matches, in as many rules. */
export const MANY_CAPTURES = [
  ...[
    'if_statement',
    'for_statement',
    'class_declaration',
    'string',
    'template_string',
    'expression_statement',
  ],
  ...['object', 'pair', 'arrow_function', 'type_identifier', 'formal_parameters', 'statement_block'],
  ...['variable_declarator', 'type_annotation', 'return_statement', 'import_statement', 'required_parameter'],
  ...['lexical_declaration', 'property_signature', 'binary_expression'],
].map((kind) => `{ kind: ${kind} }`);

/** Reads the file of each finding, as most checks do, and reports a few. */
const CHECK = `import { readFileSync } from 'node:fs';
import { join } from 'node:path';
interface Match { file: string; line: number }
export default function check(root: string, matches: Match[]) {
  return matches.slice(0, 3).filter(({ file }) => readFileSync(join(root, file), 'utf8') !== '')
    .map(({ file, line }) => ({ file, line, message: 'found' }));
}
`;

export interface BenchProject {
  readonly root: string;
  readonly keyFile: string;
  /** Configuration of one ast-grep scan with all the same captures. */
  readonly scanConfig: string;
}

export async function makeBenchProject(scratch: string): Promise<string> {
  const root = join(scratch, 'repository');
  const sources = await readSources();
  for (let number = 0; number < FILES; number += 1) {
    const folder = join(root, `packages/p${number % 40}/src/m${Math.floor(number / 40) % 10}`);
    await mkdir(folder, { recursive: true });
    const text = `${sources[number % sources.length]}\nexport const version${number} = ${number};\n`;
    await writeFile(join(folder, `file${number}.ts`), text);
  }
  execFileSync('git', ['init', '-q'], { cwd: root });
  // Rooms that root starts are users without rights.
  for (const folder of [scratch, root]) await chmod(folder, 0o755);
  return root;
}

async function readSources(): Promise<string[]> {
  const texts: string[] = [];
  for (const source of SOURCES) {
    const names = await readdir(join(NODE_MODULES, source), { recursive: true });
    for (const name of names.sort()) {
      const path = join(NODE_MODULES, source, name);
      const isSource = name.endsWith('.ts') && !name.endsWith('.d.ts');
      if (isSource && (await stat(path)).size <= MAX_SOURCE_BYTES) texts.push(await readFile(path, 'utf8'));
    }
  }
  return texts;
}

/** Puts signed rules with these captures into the repository, and the same captures beside it. */
export async function installRules(
  root: string,
  captures: readonly string[],
  name: string,
): Promise<BenchProject> {
  const key = await keyOf(7);
  const beside = join(dirname(root), name);
  await mkdir(join(beside, 'rules'), { recursive: true });
  const scanConfig = join(beside, 'sgconfig.yml');
  await writeFile(scanConfig, 'ruleDirs:\n  - rules\n');
  for (const [number, rule] of captures.entries()) {
    const text = captureText({ id: `${name}-${number}`, rule });
    const files = { 'check.ts': CHECK, 'captures/a.yml': text };
    const signed = await signDirectory(key, { name: `${name}-${number}`, files });
    await installRule(root, `${name}-${number}`, signed.files);
    await writeFile(join(beside, 'rules', `${number}.yml`), text);
  }
  const keyFile = join(beside, 'key.pem');
  await writeFile(keyFile, publicKeyPem(key.publicKey));
  return { root, keyFile, scanConfig };
}
