/** `assay verify DIR --key FILE`: offline; says whether every byte of the rule is what was signed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import colors from 'picocolors';
import { BUNDLE_FILE } from '../../src/rules/layout.ts';
import type { Statement } from '../../src/schema/statement.ts';
import { type PublicKey, parsePublicKey } from '../../src/signing/ed25519.ts';
import { type Verification, verifyRule } from '../../src/signing/verify.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { plain, print, printJson } from '../output.ts';
import { readTree } from '../read-tree.ts';

export interface VerifyOptions {
  readonly key: string;
  readonly json?: boolean;
}

export async function verify(directory: string, options: VerifyOptions): Promise<ExitCode> {
  const key = await readKey(options.key);
  const files = await readTree(directory);
  const bundle = files.get(BUNDLE_FILE);
  if (bundle === undefined) {
    throw new UsageError('NOT_SIGNED', `${join(directory, BUNDLE_FILE)} is missing: this rule is not signed`);
  }
  files.delete(BUNDLE_FILE);
  const result = await verifyRule(bundle, key, files);
  if (options.json === true) printJson(toJson(result));
  else if (result.ok) printEvidence(result.statement, result.keyId);
  else print(`${colors.red('refused')} ${plain(result.message)} (${result.reason})`);
  return result.ok ? EXIT.ok : EXIT.no;
}

function wallsText(flags: Readonly<Record<string, boolean>>): string {
  const broken = Object.keys(flags).filter((flag) => flags[flag] !== true);
  return broken.length === 0
    ? 'every wall measured to hold'
    : `these walls did NOT hold: ${broken.join(', ')}`;
}

async function readKey(file: string): Promise<PublicKey> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new UsageError('NO_KEY', `cannot read the key file ${file}`);
  const key = await parsePublicKey(text);
  if (key === null) throw new UsageError('BAD_KEY', `${file} is not an Ed25519 public key in SPKI PEM`);
  return key;
}

function toJson(result: Verification): unknown {
  if (!result.ok) return { ok: false, reason: result.reason, message: result.message };
  return { ok: true, keyId: result.keyId, statement: result.statement };
}

function printEvidence({ subject, predicate }: Statement, keyId: string): void {
  const invalid = predicate.cases.filter((one) => one.kind === 'invalid').length;
  const { imports } = predicate.rule.capabilities;
  print(
    `${colors.green('verified')} ${plain(predicate.rule.name)}: every byte of ${subject.length} files is what was signed`,
  );
  print(`  says      ${plain(predicate.rule.summary)}`);
  print(
    `  cases     ${predicate.cases.length} passed: ${predicate.cases.length - invalid} valid, ${invalid} invalid`,
  );
  print(
    `  sandbox   ${predicate.sandbox.kind} (${predicate.sandbox.isolation.jail}), ${wallsText(predicate.sandbox.isolation.flags)}`,
  );
  const second = predicate.confirmation;
  print(
    second === null
      ? '  agreement no second sandbox ran it'
      : `  agreement ${second.kind} (${second.isolation.jail}) found the same, ${wallsText(second.isolation.flags)}`,
  );
  print(
    `  check     ${predicate.rule.size.checkLines} lines, imports ${imports.length === 0 ? 'nothing' : plain(imports.join(', '))}`,
  );
  print(`  model     ${plain(predicate.model.id)}, attempt ${predicate.generation.attempts}`);
  print(`  signed    ${predicate.signedAt} by key ${keyId}`);
}
