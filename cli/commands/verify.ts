/**
 * `assay verify DIR…`: offline; says whether every byte of each rule is what was signed by whom is trusted,
 * whether its evidence is enough for the policy, and prints that evidence.
 */
import { join } from 'node:path';
import colors from 'picocolors';
import { BUNDLE_FILE, PROOF_FILE } from '../../src/rules/layout.ts';
import { type Violation, violations } from '../../src/signing/policy.ts';
import { isUnreadable, type Refused, type Verified, verifyRule } from '../../src/signing/verify.ts';
import { printEvidence } from '../evidence.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { plain, print, printJson } from '../output.ts';
import { readTree } from '../read-tree.ts';
import { loadTrust, type Trusted, type TrustOptions } from '../trust-options.ts';

export interface VerifyOptions extends TrustOptions {
  readonly json?: boolean;
}

type Answer =
  | { readonly kind: 'verified'; readonly rule: Verified; readonly logged: boolean }
  | { readonly kind: 'short'; readonly rule: Verified; readonly violations: readonly Violation[] }
  | { readonly kind: 'refused'; readonly refused: Refused };

export async function verify(directories: readonly string[], options: VerifyOptions): Promise<ExitCode> {
  const trusted = await loadTrust(options);
  const codes: ExitCode[] = [];
  const documents: unknown[] = [];
  for (const directory of directories) {
    const answer = await judge(directory, trusted);
    codes.push(codeOf(answer));
    if (options.json === true) documents.push({ directory, ...toJson(answer) });
    else printAnswer(directory, answer);
  }
  if (options.json === true) printJson(documents.length === 1 ? documents[0] : documents);
  return worst(codes);
}

async function judge(directory: string, { signers, policy, now }: Trusted): Promise<Answer> {
  const files = await readTree(directory);
  const bundle = files.get(BUNDLE_FILE);
  if (bundle === undefined) {
    throw new UsageError('NOT_SIGNED', `${join(directory, BUNDLE_FILE)} is missing: this rule is not signed`);
  }
  files.delete(BUNDLE_FILE);
  files.delete(PROOF_FILE);
  const rule = await verifyRule(bundle, signers, files);
  if (!rule.ok) return { kind: 'refused', refused: rule };
  const logged = false;
  const short = violations(policy, rule, { now, logged });
  return short.length === 0 ? { kind: 'verified', rule, logged } : { kind: 'short', rule, violations: short };
}

function codeOf(answer: Answer): ExitCode {
  if (answer.kind === 'verified') return EXIT.ok;
  return answer.kind === 'refused' && isUnreadable(answer.refused.reason) ? EXIT.unknown : EXIT.no;
}

function worst(codes: readonly ExitCode[]): ExitCode {
  return codes.reduce((most, code) => (code > most ? code : most), EXIT.ok);
}

function printAnswer(directory: string, answer: Answer): void {
  if (answer.kind === 'refused') {
    const { message, reason } = answer.refused;
    print(`${colors.red('refused')} ${plain(directory)}: ${plain(message)} (${reason})`);
    return;
  }
  printEvidence(answer.rule);
  if (answer.kind === 'verified') return;
  print(`${colors.red('refused')} by the policy, though the signature is good:`);
  for (const { message, reason } of answer.violations) print(`  ${plain(message)} (${reason})`);
}

function toJson(answer: Answer): Record<string, unknown> {
  if (answer.kind === 'refused') {
    return { ok: false, reason: answer.refused.reason, message: answer.refused.message };
  }
  const { statement, signer, bundleSha256 } = answer.rule;
  const evidence = { keyId: signer.key.keyId, signer: signer.name, bundleSha256, statement };
  if (answer.kind === 'verified') return { ok: true, logged: answer.logged, ...evidence };
  return { ok: false, reason: 'policy', violations: answer.violations, ...evidence };
}
