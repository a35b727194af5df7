/**
 * Which back end verifies a rule, and which second one must agree, by policy and by what the rule needs.
 * Pure, and decided once per attempt: every chunk of an attempt runs where this said.
 */
import { type Result, refuse, succeed } from '../rules/result.ts';
import type { SandboxKind } from '../schema/report.ts';

export interface SandboxPolicy {
  /** Verifies whatever it can run. */
  readonly preferred: SandboxKind;
  /** Configured here, the preferred one among them. */
  readonly available: readonly SandboxKind[];
  /** Whether an accepted rule must be accepted by a second, different back end too. */
  readonly agreement: 'required-where-possible' | 'off';
}

export interface SandboxChoice {
  readonly first: SandboxKind;
  readonly second: SandboxKind | null;
  /** For people: why these. */
  readonly because: string;
}

/** An isolate first: of all pairs it shares the least code with a jailed process. */
const SECOND_BY_DIFFERENCE: readonly SandboxKind[] = ['isolate', 'host', 'container'];

/** @param isolateProblem why an isolate cannot run this rule on these cases; `null` when it can */
export function selectSandboxes(policy: SandboxPolicy, isolateProblem: string | null): Result<SandboxChoice> {
  const suits = (kind: SandboxKind): boolean => kind !== 'isolate' || isolateProblem === null;
  const suitable = policy.available.filter(suits);
  const first = suitable.includes(policy.preferred) ? policy.preferred : suitable[0];
  if (first === undefined) {
    const message = `the rule cannot be verified here: only isolates are available, and ${isolateProblem}`;
    return refuse([{ reason: 'no_sandbox', where: 'sandbox', message }]);
  }
  const why =
    first === policy.preferred
      ? `${first} is preferred`
      : `${first}, because ${isolateProblem ?? 'of policy'}`;
  if (policy.agreement === 'off') {
    return succeed({ first, second: null, because: `${why}; agreement of a second sandbox is turned off` });
  }
  const second = SECOND_BY_DIFFERENCE.find((kind) => kind !== first && suitable.includes(kind)) ?? null;
  if (second !== null) return succeed({ first, second, because: `${why}; ${second} must agree` });
  const alone =
    policy.available.length === 1
      ? 'no second sandbox is configured'
      : `no second sandbox can run it: ${isolateProblem}`;
  return succeed({ first, second, because: `${why}; ${alone}` });
}
