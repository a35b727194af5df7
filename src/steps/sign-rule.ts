/**
 * Signs an accepted rule. The statement, its time included, is stored write-once before it is signed and
 * the stored bytes are what is signed, so that running this step again gives the same signature.
 */
import { Fault } from '../errors.ts';
import { sha256Hex } from '../rules/digest.ts';
import { ruleDirectory } from '../rules/layout.ts';
import { reportSchema } from '../schema/report.ts';
import { ruleSchema } from '../schema/rule.ts';
import { bundleSchema, statementSchema } from '../schema/statement.ts';
import { encodeStatement, signBundle } from '../signing/bundle.ts';
import type { Signers } from '../signing/signers.ts';
import { buildStatement } from '../signing/statement.ts';
import { verifyRule } from '../signing/verify.ts';
import { keys, type ObjectRef } from '../store/objects.ts';
import { type StoredReply, storedReply } from './ask-model.ts';
import type { Job, StepDeps } from './deps.ts';
import { loadRequestText } from './load-request.ts';
import { assertMaySign } from './may-sign.ts';
import { showProgress } from './progress.ts';

export interface SignInput {
  readonly attempt: number;
  readonly rule: ObjectRef;
  readonly report: ObjectRef;
  /** Report of the second sandbox that had to agree; `null` when there was none. */
  readonly confirmation: ObjectRef | null;
  readonly reply: ObjectRef;
  readonly verifiedAt: string;
  readonly caseTimeoutMs: number;
}

export interface Signed {
  readonly bundle: ObjectRef;
  readonly keyId: string;
  readonly ruleName: string;
  readonly summary: string;
  /** The model that answered. */
  readonly model: string;
  /** Of ast-grep and of Node, in the sandbox whose report is signed. */
  readonly engineVersion: string;
  readonly nodeVersion: string;
  /** Taskless content hash of `check.ts`; `null` of a rule without one. */
  readonly checkEnvelope: string | null;
}

/** @throws Fault SIGNER_NOT_TRUSTED | SIGNATURE_SELF_CHECK_FAILED when our own verifier refuses what was signed */
export async function signRule(job: Job, input: SignInput, deps: StepDeps): Promise<Signed> {
  const { objects } = deps.store;
  await showProgress(job, { step: 'sign', attempt: input.attempt }, deps);
  const rule = ruleSchema.parse(JSON.parse(await objects.read(input.rule)));
  const report = reportSchema.parse(JSON.parse(await objects.read(input.report)));
  const confirmation =
    input.confirmation === null
      ? null
      : reportSchema.parse(JSON.parse(await objects.read(input.confirmation)));
  const reply: StoredReply = storedReply.parse(JSON.parse(await objects.read(input.reply)));
  const { request, text: requestText } = await loadRequestText(job, deps);
  const statement = await buildStatement({
    rule,
    cases: request.cases,
    report,
    confirmation,
    request: { sha256: await sha256Hex(requestText), promptSha256: await sha256Hex(request.prompt) },
    generation: { id: job.generationId, attempts: input.attempt },
    model: {
      id: reply.model,
      promptVersion: reply.promptVersion,
      promptSha256: reply.promptSha256,
      replySha256: input.reply.sha256,
    },
    limits: { caseTimeoutMs: input.caseTimeoutMs },
    verifiedAt: input.verifiedAt,
    signedAt: deps.now().toISOString(),
  });
  const fresh = new TextDecoder().decode(encodeStatement(statement));
  const { text } = await objects.putOnce(keys.statement(job.orgId, job.generationId), fresh);
  const files = ruleDirectory(rule, request.cases);
  const { ref, keyId } = await storeBundle(job, text, files, deps);
  const { name: ruleName, summary } = rule;
  const stated = statement.predicate.rule;
  const checkEnvelope = stated.engine === 'runtime' ? stated.checkEnvelope : null;
  const { astGrep: engineVersion, node: nodeVersion } = report.build;
  const versions = { engineVersion, nodeVersion };
  return { bundle: ref, keyId, ruleName, summary, model: reply.model, ...versions, checkEnvelope };
}

/** A bundle that is already there stays, even when the key was changed since: one generation, one signature. */
async function storeBundle(
  job: Job,
  statement: string,
  files: Record<string, string>,
  deps: StepDeps,
): Promise<{ ref: ObjectRef; keyId: string }> {
  const key = keys.bundle(job.orgId, job.generationId);
  const existing = await deps.store.objects.get(key);
  const bundle = existing ?? (await signFresh(statement, files, deps));
  const { ref, text } = await deps.store.objects.putOnce(key, bundle);
  const stored = bundleSchema.parse(JSON.parse(text));
  return { ref, keyId: stored.verificationMaterial.publicKey.hint };
}

/** The stored time is what a consumer will hold against the key's window, so that is what is asked about. */
async function signFresh(statement: string, files: Record<string, string>, deps: StepDeps): Promise<string> {
  const { signedAt } = statementSchema.parse(JSON.parse(statement)).predicate;
  const signers = await assertMaySign(deps, signedAt);
  const bundle = signBundle(new TextEncoder().encode(statement), deps.signingKey);
  await selfCheck(bundle, files, signers);
  return bundle;
}

/** What is about to be published must be what anyone else would accept. */
async function selfCheck(bundle: string, files: Record<string, string>, signers: Signers): Promise<void> {
  const encoder = new TextEncoder();
  const bytes = new Map(Object.entries(files).map(([path, text]) => [path, encoder.encode(text)]));
  const verified = await verifyRule(encoder.encode(bundle), signers, bytes);
  if (!verified.ok) throw new Fault('SIGNATURE_SELF_CHECK_FAILED', `${verified.reason}: ${verified.message}`);
}
