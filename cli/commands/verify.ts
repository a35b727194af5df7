/**
 * `assay verify DIR…`: offline; says whether every byte of each rule is what was signed by whom is trusted,
 * whether its evidence is enough for the policy, and prints that evidence.
 */
import colors from 'picocolors';
import { type Decision, decide } from '../../src/consumer/decide.ts';
import { viewOf } from '../../src/consumer/view.ts';
import { printEvidence } from '../evidence.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { plain, print, printJson } from '../output.ts';
import { readTree } from '../read-tree.ts';
import { loadTrust, type TrustOptions } from '../trust-options.ts';

export interface VerifyOptions extends TrustOptions {
  readonly json?: boolean;
}

export async function verify(directories: readonly string[], options: VerifyOptions): Promise<ExitCode> {
  const trusted = await loadTrust(options);
  const documents: unknown[] = [];
  let worst: ExitCode = EXIT.ok;
  for (const directory of directories) {
    const decision = await decide(await readTree(directory), trusted);
    const code = codeOf(decision);
    if (code > worst) worst = code;
    if (options.json === true) documents.push({ directory, ...viewOf(decision) });
    else printDecision(directory, decision);
  }
  if (options.json === true) printJson(documents.length === 1 ? documents[0] : documents);
  return worst;
}

function codeOf(decision: Decision): ExitCode {
  if (decision.kind === 'counts') return EXIT.ok;
  return decision.kind === 'refused' && decision.unreadable ? EXIT.unknown : EXIT.no;
}

function printDecision(directory: string, decision: Decision): void {
  if (decision.kind === 'refused') {
    print(`${colors.red('refused')} ${plain(directory)}: ${plain(decision.message)} (${decision.reason})`);
    return;
  }
  printEvidence(decision.rule, decision.logged);
  if (decision.kind === 'counts') return;
  print(`${colors.red('refused')} by the policy, though the signature is good:`);
  for (const { message, reason } of decision.violations) print(`  ${plain(message)} (${reason})`);
}
