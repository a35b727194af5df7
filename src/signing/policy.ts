/**
 * Whether a verified rule's evidence is enough for whoever wants to run it. Pure; a policy is the
 * consumer's own file and can only narrow what the trust root allows. Refusals are listed, all of them.
 */
import { z } from 'zod';
import { ISOLATION_FLAGS } from '../../container/protocol.ts';
import { type Result, refuse, succeed } from '../rules/result.ts';
import { egressHost } from '../schema/egress.ts';
import { SANDBOX_KINDS } from '../schema/report.ts';
import { ENGINES } from '../schema/request.ts';
import type { Statement } from '../schema/statement.ts';
import type { Opened } from './verify.ts';

const count = z.int().min(0).max(10_000);

export const policySchema = z.strictObject({
  version: z.literal(1),
  /** Key ids or names of the trust root. Absent: every signer it has. */
  signers: z.array(z.string().min(1)).min(1).optional(),
  /** Rule dialects. Absent: any. */
  engines: z.array(z.enum(ENGINES)).min(1).optional(),
  minCases: z.strictObject({ valid: count.optional(), invalid: count.optional() }).optional(),
  minHeldOut: count.optional(),
  minVariants: count.optional(),
  sandboxes: z.array(z.enum(SANDBOX_KINDS)).min(1).optional(),
  /** Walls that must have been measured to hold. Absent: all of them. */
  isolation: z.array(z.enum(ISOLATION_FLAGS)).optional(),
  /** A second sandbox must have found the same. */
  confirmation: z.boolean().optional(),
  models: z.array(z.string().min(1)).min(1).optional(),
  forbid: z.array(z.enum(['readsFiles', 'startsProcesses', 'usesNetwork'])).optional(),
  /** Module specifiers a check may import. Absent: any that was signed. */
  imports: z.array(z.string().min(1)).optional(),
  maxAgeDays: z.int().min(1).max(36_500).optional(),
  /** An inclusion proof by the trust root's log must lie beside the bundle. */
  logged: z.boolean().optional(),
  /** Hosts a check may reach, when its own signed facts ask for them. Absent: none. */
  egress: z.array(egressHost).optional(),
});
export type Policy = z.infer<typeof policySchema>;

/** Asks for nothing beyond a verified signature and walls that held. */
export const DEFAULT_POLICY: Policy = { version: 1 };

export const VIOLATIONS = [
  'signer_not_allowed',
  'engine_not_allowed',
  'too_few_cases',
  'too_few_held_out',
  'too_few_variants',
  'sandbox_not_allowed',
  'isolation_missing',
  'not_confirmed',
  'model_not_allowed',
  'capability_forbidden',
  'import_not_allowed',
  'too_old',
  'not_logged',
] as const;

export interface Violation {
  readonly reason: (typeof VIOLATIONS)[number];
  readonly message: string;
}

export function parsePolicy(value: unknown): Result<Policy> {
  const parsed = policySchema.safeParse(value);
  if (parsed.success) return succeed(parsed.data);
  const problems = parsed.error.issues.map(({ path, message }) => {
    const where = path.join('.') || 'policy';
    return { reason: 'policy_malformed', where, message: `${where}: ${message}` };
  });
  return refuse(problems);
}

export interface Circumstances {
  /** ISO 8601. */
  readonly now: string;
  /** An inclusion proof was there and held. */
  readonly logged: boolean;
}

/** Every way in which the evidence falls short; empty when it is enough. */
export function violations(policy: Policy, opened: Opened, circumstances: Circumstances): Violation[] {
  const { predicate } = opened.statement;
  return [
    ...aboutSigner(policy, opened, circumstances),
    ...aboutEvidence(policy, predicate),
    ...aboutSandbox(policy, predicate),
    ...aboutRule(policy, predicate.rule),
  ];
}

const DAY_MS = 86_400_000;

function aboutSigner(
  { signers, maxAgeDays, logged }: Policy,
  { signer, statement }: Opened,
  circumstances: Circumstances,
): Violation[] {
  const found: Violation[] = [];
  if (signers && !signers.includes(signer.key.keyId) && !signers.includes(signer.name)) {
    found.push({
      reason: 'signer_not_allowed',
      message: `signed by ${signer.name}, who is not in "signers"`,
    });
  }
  const { signedAt } = statement.predicate;
  const ageDays = (Date.parse(circumstances.now) - Date.parse(signedAt)) / DAY_MS;
  if (maxAgeDays !== undefined && ageDays > maxAgeDays) {
    found.push({
      reason: 'too_old',
      message: `signed ${Math.floor(ageDays)} days ago, and ${maxAgeDays} are allowed`,
    });
  }
  if (logged && !circumstances.logged) {
    found.push({ reason: 'not_logged', message: 'has no proof that it is in the log' });
  }
  return found;
}

function aboutEvidence(
  policy: Policy,
  { cases, heldOut, variants, model }: Statement['predicate'],
): Violation[] {
  const found: Violation[] = [];
  for (const kind of ['valid', 'invalid'] as const) {
    const least = policy.minCases?.[kind] ?? 0;
    const has = cases.filter((one) => one.kind === kind).length;
    if (has < least) {
      found.push({
        reason: 'too_few_cases',
        message: `passed ${has} ${kind} cases, and ${least} are asked for`,
      });
    }
  }
  const few = (reason: Violation['reason'], has: number, least: number, what: string): void => {
    if (has < least) found.push({ reason, message: `passed ${has} ${what}, and ${least} are asked for` });
  };
  few('too_few_held_out', heldOut?.length ?? 0, policy.minHeldOut ?? 0, 'held-out cases');
  few('too_few_variants', variants?.length ?? 0, policy.minVariants ?? 0, 'variants');
  if (policy.models && !policy.models.includes(model.id)) {
    found.push({ reason: 'model_not_allowed', message: `written by ${model.id}, which is not in "models"` });
  }
  return found;
}

function aboutSandbox(policy: Policy, { sandbox, confirmation }: Statement['predicate']): Violation[] {
  const found: Violation[] = [];
  if (policy.sandboxes && !policy.sandboxes.includes(sandbox.kind)) {
    found.push({
      reason: 'sandbox_not_allowed',
      message: `verified in a ${sandbox.kind}, not in "sandboxes"`,
    });
  }
  const missing = (policy.isolation ?? ISOLATION_FLAGS).filter(
    (flag) => sandbox.isolation.flags[flag] !== true,
  );
  if (missing.length > 0) {
    found.push({ reason: 'isolation_missing', message: `these walls did not hold: ${missing.join(', ')}` });
  }
  if (policy.confirmation && confirmation === null) {
    found.push({ reason: 'not_confirmed', message: 'no second sandbox found the same' });
  }
  return found;
}

function aboutRule(policy: Policy, { engine, capabilities }: Statement['predicate']['rule']): Violation[] {
  const found: Violation[] = [];
  if (policy.engines && !policy.engines.includes(engine)) {
    found.push({
      reason: 'engine_not_allowed',
      message: `it is an ${engine} rule, which is not in "engines"`,
    });
  }
  for (const name of policy.forbid ?? []) {
    if (capabilities[name]) found.push({ reason: 'capability_forbidden', message: `its check ${name}` });
  }
  const foreign = capabilities.imports.filter((name) => policy.imports && !policy.imports.includes(name));
  if (foreign.length > 0) {
    found.push({ reason: 'import_not_allowed', message: `its check imports ${foreign.join(', ')}` });
  }
  return found;
}
