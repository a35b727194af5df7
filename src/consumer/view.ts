/** What was decided of a rule, as JSON: the same from `assay verify --json` and from `POST /v1/verify`. */
import { z } from 'zod';
import { statementSchema } from '../schema/statement.ts';
import type { Decision } from './decide.ts';

const evidence = {
  keyId: z.string(),
  /** Name of the key in the trust root; its id where there is none. */
  signer: z.string(),
  bundleSha256: z.string(),
  /** Where the log has the bundle; `null` when no proof was there, or none that counts. */
  log: z.object({ index: z.int(), size: z.int() }).nullable(),
  statement: statementSchema,
};

export const decisionSchema = z.union([
  z.object({ ok: z.literal(true), ...evidence }),
  z.object({
    ok: z.literal(false),
    reason: z.literal('policy'),
    violations: z.array(z.object({ reason: z.string(), message: z.string() })),
    ...evidence,
  }),
  z.object({ ok: z.literal(false), reason: z.string(), message: z.string() }),
]);
export type DecisionView = z.infer<typeof decisionSchema>;

export function viewOf(decision: Decision): DecisionView {
  if (decision.kind === 'refused') {
    return { ok: false, reason: decision.reason, message: decision.message };
  }
  const { rule, logged } = decision;
  const shown = {
    ...{ keyId: rule.signer.key.keyId, signer: rule.signer.name, bundleSha256: rule.bundleSha256 },
    log: logged === null ? null : { index: logged.index, size: logged.size },
    statement: rule.statement,
  };
  if (decision.kind === 'counts') return { ok: true, ...shown };
  return { ok: false, reason: 'policy', violations: [...decision.violations], ...shown };
}
