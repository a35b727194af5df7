/**
 * Which of the files a repository holds may run: those whose content hash is that of a rule that counts. By content
 * and not by name, so that a moved rule still runs and a changed one never does. Pure.
 */
import type { Reconciled } from '../schema/taskless.ts';

/** A rule that counts now, newest first in every list. */
export interface BlessedRule {
  readonly ruleId: string;
  readonly name: string;
  readonly signature: string;
}

export interface HeldFile {
  readonly file: string;
  readonly signature: string;
}

/** Where each layout has a rule's check. */
const CHECK_FILE = /(?:^|\/)\.taskless\/(?:rules\/runtime|runtime-rules|runtime\/rules)\/([^/]+)\/check\.ts$/;

export function reconcile(blessed: readonly BlessedRule[], held: readonly HeldFile[]): Reconciled {
  const bySignature = new Map<string, BlessedRule[]>();
  const newest = new Map<string, BlessedRule>();
  for (const rule of blessed) {
    bySignature.set(rule.signature, [...(bySignature.get(rule.signature) ?? []), rule]);
    if (!newest.has(rule.name)) newest.set(rule.name, rule);
  }
  const answer: Reconciled = { run: [], unsafe: [], unknown: [], missing: [] };
  const seen = new Set<string>();
  for (const { file, signature } of held) {
    const name = CHECK_FILE.exec(file)?.[1] ?? '';
    const same = bySignature.get(signature) ?? [];
    for (const rule of same) seen.add(rule.name);
    const [rule] = same.filter((one) => one.name === name).concat(same);
    const known = newest.get(name);
    if (rule !== undefined) {
      answer.run.push({ ruleId: rule.ruleId, file, signature });
    } else if (known !== undefined) {
      seen.add(name);
      answer.unsafe.push({ file, expected: known.signature, got: signature });
    } else {
      answer.unknown.push({ file });
    }
  }
  for (const [name, { ruleId }] of newest) {
    if (!seen.has(name)) answer.missing.push({ ruleId, file: `.taskless/rules/runtime/${name}/check.ts` });
  }
  return answer;
}
