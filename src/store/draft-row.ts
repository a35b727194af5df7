/** The row of a generation that is about to be made, whoever asks for it. */
import { sha256Hex } from '../rules/digest.ts';
import { DEFAULT_ATTEMPTS, type RuleRequest } from '../schema/request.ts';
import type { NewGeneration } from './generations.ts';

/** Shown in lists; the whole prompt is in the stored request. */
const PROMPT_EXCERPT_CHARS = 200;

export interface RowInput {
  readonly id: string;
  readonly orgId: string;
  readonly request: RuleRequest;
  /** Of the request, as it is stored. */
  readonly text: string;
  readonly model: string;
  readonly nowMs: number;
}

type Lineage = Pick<
  NewGeneration,
  | 'engine'
  | 'engine_reason'
  | 'retry_of'
  | 'retry_sha256'
  | 'from_attempt'
  | 'batch_id'
  | 'reverifies'
  | 'held'
>;

export async function draftRow<L extends Lineage>(input: RowInput, lineage: L): Promise<NewGeneration & L> {
  const { request } = input;
  return {
    id: input.id,
    org_id: input.orgId,
    name: request.name ?? null,
    prompt_excerpt: request.prompt.slice(0, PROMPT_EXCERPT_CHARS),
    search_text: `${request.name ?? ''}\n${request.prompt}`.toLowerCase(),
    request_sha256: await sha256Hex(input.text),
    model: input.model,
    cases_total: request.cases.length,
    // The same rule again is one verification: there is nobody to give feedback to.
    attempts_max: lineage.reverifies == null ? (request.limits?.attempts ?? DEFAULT_ATTEMPTS) : 1,
    created_at: new Date(input.nowMs).toISOString(),
    callback_url: request.callbackUrl === undefined ? null : new URL(request.callbackUrl).href,
    ...lineage,
  };
}
