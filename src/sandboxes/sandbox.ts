/**
 * An execution back end for untrusted code: one call, one answer, no state kept between calls.
 * Every back end speaks `container/protocol.ts`; what differs is who starts the room.
 */
import type { RunnableRule } from '../rules/sandbox-rule.ts';
import type { HostAnswer, SandboxKind } from '../schema/report.ts';
import type { RuleCase } from '../schema/request.ts';
import type { SandboxPolicy } from './select.ts';

export interface SandboxCall {
  /** Fresh per call, lower case, at most 100 characters: names the room that is made for it. */
  readonly id: string;
  readonly rule: RunnableRule;
  readonly cases: readonly RuleCase[];
  readonly caseTimeoutMs: number;
}

export interface Sandbox {
  readonly kind: SandboxKind;
  /**
   * Runs the rule on the cases; result `c<n>` is that of case n.
   * @throws Fault SANDBOX_UNAVAILABLE | SANDBOX_BAD_ANSWER (try again with a new id),
   *   SANDBOX_NOT_ISOLATED | SANDBOX_REFUSED_INPUT (do not)
   */
  verify(call: SandboxCall): Promise<HostAnswer>;
}

/** The back ends of one deployment. */
export interface Sandboxes {
  readonly policy: SandboxPolicy;
  /** @throws Fault SANDBOX_UNAVAILABLE when a deploy took this kind away meanwhile */
  open(kind: SandboxKind): Sandbox;
}
