/**
 * One verification: every case in a fresh room, at most as many at a time as there are slots, inside
 * the case's and the request's deadlines. Reports what happened; decides nothing.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCheck, type Stripped, stripTypes } from './check.ts';
import type { Jail } from './jail/jail.ts';
import { MAX_LISTED_CAPTURES, MAX_LISTED_MATCHES, MAX_LISTED_TEXT_CHARS } from './limits.ts';
import { type NarrowPlan, narrow, planNarrow } from './narrow.ts';
import type { CaseInput, CaseResult, Match, VerifyRequest } from './protocol.ts';
import type { Slots } from './slots.ts';
import { randomName, removeTree, writeTree } from './temp.ts';
import { cleanText, messageOf } from './text.ts';
import { syntaxTrees } from './trees.ts';

export interface Workshop {
  readonly jail: Jail;
  readonly slots: Slots;
  readonly hostDir: string;
}

/** What all cases of one request share. */
interface Job {
  readonly workshop: Workshop;
  readonly request: VerifyRequest;
  readonly plan: NarrowPlan;
  readonly check: Promise<PreparedCheck>;
  readonly dir: string;
  readonly signal: AbortSignal;
}

type PreparedCheck = { readonly dir: string } | Exclude<Stripped, { readonly code: string }>;

export async function verifyCases(
  workshop: Workshop,
  request: VerifyRequest,
  disconnected: AbortSignal,
): Promise<CaseResult[]> {
  const dir = join(workshop.hostDir, randomName());
  const total = new AbortController();
  const timer = setTimeout(() => total.abort(), request.limits.totalTimeoutMs);
  const signal = AbortSignal.any([disconnected, total.signal]);
  await mkdir(dir, { mode: 0o711 });
  try {
    const plan = await planNarrow(dir, request.rule);
    const check = prepareCheck(workshop, request, dir, signal);
    const job: Job = { workshop, request, plan, check, dir, signal };
    const results = await Promise.all(request.cases.map((each) => runCase(job, each)));
    await check;
    return results;
  } finally {
    clearTimeout(timer);
    await removeTree(dir);
  }
}

/** Strips the types while the first cases are being narrowed. Never rejects. */
async function prepareCheck(
  workshop: Workshop,
  request: VerifyRequest,
  dir: string,
  signal: AbortSignal,
): Promise<PreparedCheck> {
  const release = await workshop.slots.acquire(signal);
  const hostError = (message: string): PreparedCheck => ({
    ending: { outcome: 'host_error', error: { name: 'HostError', message } },
  });
  if (release === undefined) return hostError('the time for this request ran out');
  let undead = false;
  try {
    const empty = await writeTree(dir, {});
    const stripped = await stripTypes(workshop.jail, request.rule.files['check.ts'] ?? '', empty, signal);
    if (!('code' in stripped)) {
      undead = stripped.undead ?? false;
      return stripped;
    }
    return { dir: await writeTree(dir, { 'check.mjs': stripped.code }) };
  } catch (error) {
    return hostError(messageOf(error));
  } finally {
    if (!undead) release();
  }
}

const EMPTY = {
  matchCount: 0,
  matches: [],
  findings: [],
  console: '',
  trees: [],
  narrowMs: 0,
  checkMs: 0,
} as const;

async function runCase(job: Job, input: CaseInput): Promise<CaseResult> {
  const release = await job.workshop.slots.acquire(job.signal);
  const hostError = (message: string): CaseResult => ({
    id: input.id,
    ...EMPTY,
    stage: 'narrow',
    outcome: 'host_error',
    error: { name: 'HostError', message },
  });
  if (release === undefined) return hostError('not started: the time for this request ran out');
  let undead = false;
  try {
    const caseDir = await writeTree(job.dir, input.files);
    const ran = await runInRooms(job, input, caseDir);
    undead = ran.undead;
    return ran.result;
  } catch (error) {
    return hostError(messageOf(error));
  } finally {
    // A slot whose room was not seen dead is never used again.
    if (!undead) release();
  }
}

interface Ran {
  readonly result: CaseResult;
  readonly undead: boolean;
}

async function runInRooms(job: Job, input: CaseInput, caseDir: string): Promise<Ran> {
  const { jail } = job.workshop;
  const startedAt = performance.now();
  const deadlineAt = startedAt + job.request.limits.caseTimeoutMs;
  const narrowed = await narrow(jail, job.plan, caseDir, deadlineAt, job.signal);
  const narrowMs = Math.round(performance.now() - startedAt);
  const base = { id: input.id, ...EMPTY, narrowMs };
  if (narrowed.ending) {
    const result: CaseResult = { ...base, stage: 'narrow', ...late(job, narrowed.ending) };
    return { result, undead: narrowed.undead ?? false };
  }
  if (narrowed.matches.length === 0) {
    // The zero-match gate: the check is never started, and that is a result, not an error.
    const dirs = { case: caseDir, rule: job.plan.dir };
    const trees = await syntaxTrees(
      jail,
      job.request.rule.captures,
      input.files,
      dirs,
      deadlineAt,
      job.signal,
    );
    return { result: { ...base, stage: 'narrow', outcome: 'exited', trees }, undead: false };
  }
  const matched = {
    ...base,
    stage: 'check' as const,
    matchCount: narrowed.matches.length,
    matches: narrowed.matches.slice(0, MAX_LISTED_MATCHES).map(shorten),
  };
  const check = await job.check;
  if (!('dir' in check)) return { result: { ...matched, ...late(job, check.ending) }, undead: false };
  const checkStartedAt = performance.now();
  const { undead, ...checked } = await runCheck(jail, {
    caseDir,
    checkDir: check.dir,
    matches: narrowed.matches,
    // What the narrow left; waiting for the shared type stripping is not the case's own time.
    timeoutMs: job.request.limits.caseTimeoutMs - narrowMs,
    signal: job.signal,
  });
  const checkMs = Math.round(performance.now() - checkStartedAt);
  const { outcome, error, findings, console } = { error: undefined, ...checked, ...late(job, checked) };
  return { result: { ...matched, outcome, ...(error ? { error } : {}), findings, console, checkMs }, undead };
}

/** A room that was cancelled because the whole request ran out of time says so. */
function late<T extends Pick<CaseResult, 'outcome' | 'error'>>(job: Job, end: T): T {
  if (!job.signal.aborted || end.outcome !== 'host_error') return end;
  return { ...end, error: { name: 'HostError', message: 'stopped: the time for this request ran out' } };
}

function shorten(match: Match): Match {
  const cut = (text: string): string => cleanText(text, MAX_LISTED_TEXT_CHARS);
  const captures = Object.entries(match.captures).slice(0, MAX_LISTED_CAPTURES);
  return {
    ...match,
    file: cut(match.file),
    text: cut(match.text),
    captures: Object.fromEntries(captures.map(([name, text]) => [cut(name), cut(text)])),
  };
}
