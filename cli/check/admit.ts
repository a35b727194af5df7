/**
 * Decides which rules may run, before any does: every byte as signed, by a key that is trusted now, with
 * evidence that is enough for the policy. What is handed on are the verified bytes; the rule's directory is
 * not looked at again.
 */
import { ISOLATION_FLAGS, type IsolationFlag, type MatchReport } from '../../container/protocol.ts';
import { decide, type Trusted } from '../../src/consumer/decide.ts';
import { messageOf } from '../../src/errors.ts';
import { inspectCaptures } from '../../src/rules/inspect.ts';
import { readSg } from '../../src/rules/inspect-sg.ts';
import { endpointOf, notGranted } from '../../src/schema/egress.ts';
import type { Engine } from '../../src/schema/request.ts';
import type { CaptureInfo } from '../../src/schema/rule.ts';
import type { Policy, Violation } from '../../src/signing/policy.ts';
import type { Verified } from '../../src/signing/verify.ts';
import { readTree } from '../read-tree.ts';
import type { FoundRule } from './project.ts';
import type { Origin, Refusal } from './report.ts';

/** A rule that may run. */
export interface AdmittedRule {
  readonly name: string;
  readonly origin: Origin;
  readonly captures: readonly CaptureInfo[];
  /** `check.ts` and captures, or the one file of an `sg` rule: the verified bytes as text. */
  readonly files: Readonly<Record<string, string>>;
  /** Each `host:port` that its signed facts ask for and the policy grants. Empty: its room, if it has one, has no way out. */
  readonly endpoints: readonly string[];
  /** What every match of an `sg` rule is reported as; absent where a check decides. */
  readonly report?: MatchReport;
}

export type Admission =
  | { readonly rule: AdmittedRule }
  | {
      readonly name: string;
      readonly refusal: Refusal;
      readonly origin?: Origin;
      /** True when nobody expects it to be signed, and it is not. */
      readonly expected?: boolean;
    };

export async function admit(found: FoundRule, trusted: Trusted): Promise<Admission> {
  const { name } = found;
  if (found.refusal) return { name, refusal: found.refusal };
  let files: Map<string, Uint8Array>;
  try {
    files = await readTree(found.directory);
  } catch (error) {
    return { name, refusal: { reason: 'unreadable', message: messageOf(error) } };
  }
  const decision = await decide(files, trusted);
  if (decision.kind === 'refused') {
    const { reason, message } = decision;
    const expected = reason === 'not_signed' && found.mayBeUnsigned === true;
    return { name, refusal: { reason, message }, expected };
  }
  const origin = originOf(decision.rule);
  const refusal =
    decision.kind === 'short' ? shortOf(decision.violations) : networkRefusal(decision.rule, trusted.policy);
  return refusal === null ? runnable(name, decision.rule, origin) : { name, refusal, origin };
}

/** The first reason names it; every way in which it falls short is told. */
function shortOf(violations: readonly Violation[]): Refusal {
  const message = violations.map((one) => one.message).join('; ');
  return { reason: violations[0]?.reason ?? 'policy', message };
}

/** A rule that could not reach what it asks for would give wrong answers; it is not started. */
function networkRefusal({ statement }: Verified, { egress = [] }: Policy): Refusal | null {
  const { usesNetwork, hosts } = statement.predicate.rule.capabilities;
  const refuse = (message: string): Refusal => ({ reason: 'egress_not_granted', message });
  if (usesNetwork !== hosts.length > 0) {
    return refuse('its signed facts say that it uses the network, or name hosts, but not both');
  }
  const missing = notGranted(hosts, egress);
  if (missing.length === 0) return null;
  return refuse(`it asks to reach ${missing.join(', ')}, which "egress" of the policy does not grant`);
}

/** What ast-grep and node need of it, as text. */
function runnable(name: string, { files: verified, statement }: Verified, origin: Origin): Admission {
  const refuse = (message: string): Admission => ({
    name,
    refusal: { reason: 'rule_unreadable', message },
    origin,
  });
  const { engine } = statement.predicate.rule;
  const files = ruleTexts(verified, PARTS[engine]);
  if (files === null) return refuse('a file of the rule is not UTF-8 text');
  // By what was signed, not by what its directory looks like.
  if (engine === 'sg') {
    const read = readSg(files);
    if (read.ok) return { rule: { name, origin, ...read.value, endpoints: [] } };
    return refuse(read.problems.map(({ message }) => message).join('; '));
  }
  if (files['check.ts'] === undefined) return refuse('check.ts is missing');
  const captures = inspectCaptures(files);
  const endpoints = statement.predicate.rule.capabilities.hosts.map(endpointOf);
  if (captures.ok) return { rule: { name, origin, captures: captures.value, files, endpoints } };
  return refuse(captures.problems.map(({ message }) => message).join('; '));
}

function originOf({ statement, signer, bundleSha256 }: Verified): Origin {
  const { rule, generation } = statement.predicate;
  return {
    bundleSha256,
    keyId: signer.key.keyId,
    signer: signer.name,
    generation: generation.id,
    summary: rule.summary,
  };
}

const PARTS: Readonly<Record<Engine, (path: string) => boolean>> = {
  runtime: (path) => path === 'check.ts' || path.startsWith('captures/'),
  sg: (path) => !path.startsWith('.tests/'),
};

/** What a rule is run from; its cases are not needed. `null` when one is no text. */
function ruleTexts(
  files: Verified['files'],
  isPart: (path: string) => boolean,
): Record<string, string> | null {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const texts: Record<string, string> = Object.create(null);
  try {
    for (const [path, bytes] of files) {
      if (isPart(path)) texts[path] = decoder.decode(bytes);
    }
  } catch {
    return null;
  }
  return texts;
}

/** Walls that must hold here: those that the policy asks of the evidence. Absent: all of them. */
export function requiredFlags(policy: Policy): readonly IsolationFlag[] {
  return policy.isolation ?? ISOLATION_FLAGS;
}
