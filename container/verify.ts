/**
 * One verification: every case in a fresh room, at most as many at a time as there are slots, inside
 * the case's and the request's deadlines. Reports what happened; decides nothing.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCheck } from './check.ts';
import type { Jail } from './jail/jail.ts';
import { MAX_LISTED_CAPTURES, MAX_LISTED_MATCHES, MAX_LISTED_TEXT_CHARS, MIN_CHECK_MS } from './limits.ts';
import { type NarrowPlan, type NarrowResult, narrow, planNarrow } from './narrow.ts';
import { NOT_TOGETHER, narrowTogether, type Together } from './narrow-together.ts';
import { type PreparedCheck, prepareCheck } from './prepare-check.ts';
import {
  type CaseInput,
  type CaseResult,
  type Match,
  STOP_AFTER_TIMEOUTS,
  type VerifyRequest,
} from './protocol.ts';
import type { ReadyRooms } from './ready-rooms.ts';
import type { Slots } from './slots.ts';
import { randomName, removeTree, writeTree } from './temp.ts';
import { cleanText, messageOf } from './text.ts';
import { syntaxTrees } from './trees.ts';

export interface Workshop {
  readonly jail: Jail;
  readonly slots: Slots;
  readonly hostDir: string;
  readonly ready: ReadyRooms;
}

export interface Verified {
  /** Of the cases that were run, in request order. */
  readonly results: readonly CaseResult[];
  readonly notRun: readonly string[];
}

/** What all cases of one request share. */
interface Job {
  readonly workshop: Workshop;
  readonly request: VerifyRequest;
  readonly plan: NarrowPlan;
  readonly together: Together;
  readonly check: Promise<PreparedCheck>;
  readonly signal: AbortSignal;
  /** Until when a case may be started: one started later might not end within the host's total. */
  readonly startUntil: number;
  /** Cases that ran into their deadline so far. */
  timedOut: number;
}

export async function verifyCases(
  workshop: Workshop,
  request: VerifyRequest,
  disconnected: AbortSignal,
): Promise<Verified> {
  const startedAt = performance.now();
  const dir = join(workshop.hostDir, randomName());
  const total = new AbortController();
  const timer = setTimeout(() => total.abort(), request.limits.totalTimeoutMs);
  const signal = AbortSignal.any([disconnected, total.signal]);
  await mkdir(dir, { mode: 0o711 });
  try {
    const plan = planNarrow(dir, request.rule);
    const check = prepareCheck(workshop, request, dir, signal);
    const casesDir = writeTree(dir, {});
    const caseDirs = request.cases.map(({ files }) => writeTree(casesDir, files));
    const together = await narrowInSlot(workshop, request, plan, casesDir, signal);
    const startUntil = startedAt + request.limits.totalTimeoutMs - request.limits.caseTimeoutMs;
    const job: Job = { workshop, request, plan, together, check, signal, startUntil, timedOut: 0 };
    const results = await Promise.all(
      request.cases.map((each, index) => runCase(job, each, caseDirs[index] as string)),
    );
    await check;
    return {
      results: results.filter((result) => result !== undefined),
      notRun: request.cases.filter((_, index) => results[index] === undefined).map(({ id }) => id),
    };
  } finally {
    clearTimeout(timer);
    removeTree(dir);
    if (workshop.slots.busy === 0) workshop.ready.refill();
  }
}

async function narrowInSlot(
  workshop: Workshop,
  request: VerifyRequest,
  plan: NarrowPlan,
  casesDir: string,
  signal: AbortSignal,
): Promise<Together> {
  const release = await workshop.slots.acquire(signal);
  if (release === undefined) return NOT_TOGETHER;
  const cases = { count: request.cases.length, timeoutMs: request.limits.caseTimeoutMs };
  const together = await narrowTogether(workshop.jail, plan, casesDir, cases, signal);
  release(together.undead);
  return together;
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

/** Undefined when the case was left out: enough others had timed out, or it might not have ended in time. */
async function runCase(job: Job, input: CaseInput, caseDir: string): Promise<CaseResult | undefined> {
  const release = await job.workshop.slots.acquire(job.signal);
  const hostError = (message: string): CaseResult => ({
    id: input.id,
    ...EMPTY,
    stage: 'narrow',
    outcome: 'host_error',
    error: { name: 'HostError', message },
  });
  if (release === undefined) return undefined;
  let undead = false;
  try {
    if (job.timedOut >= STOP_AFTER_TIMEOUTS || performance.now() > job.startUntil) return undefined;
    const ran = await runInRooms(job, input, caseDir);
    undead = ran.undead;
    if (ran.result.outcome === 'timed_out') job.timedOut += 1;
    return ran.result;
  } catch (error) {
    return hostError(messageOf(error));
  } finally {
    release(undead);
  }
}

interface Ran {
  readonly result: CaseResult;
  readonly undead: boolean;
}

async function runInRooms(job: Job, input: CaseInput, caseDir: string): Promise<Ran> {
  const { caseTimeoutMs } = job.request.limits;
  const startedAt = performance.now();
  const deadlineAt = startedAt + caseTimeoutMs;
  const narrowed = await narrowCase(job, caseDir, deadlineAt);
  const narrowMs = Math.round(performance.now() - startedAt) + job.together.shareMs;
  const base = { id: input.id, ...EMPTY, narrowMs };
  if (narrowed.ending) {
    const result: CaseResult = { ...base, stage: 'narrow', ...late(job, narrowed.ending) };
    return { result, undead: narrowed.undead ?? false };
  }
  if (narrowed.matches.length === 0) {
    // The zero-match gate: the check is never started, and that is a result, not an error.
    const dirs = { case: caseDir, rule: job.plan.dir };
    const { trees, undead } = await syntaxTrees(
      job.workshop.jail,
      job.request.rule.captures,
      input.files,
      dirs,
      deadlineAt,
      job.signal,
    );
    return { result: { ...base, stage: 'narrow', outcome: 'exited', trees }, undead };
  }
  const timeoutMs = caseTimeoutMs - narrowMs;
  if (timeoutMs < Math.min(MIN_CHECK_MS, caseTimeoutMs / 4)) {
    const message = `finding the matches took ${narrowMs} of ${caseTimeoutMs} ms`;
    const error = { name: 'NarrowTooSlow', message };
    return { result: { ...base, stage: 'narrow', outcome: 'timed_out', error }, undead: false };
  }
  return checkCase(job, input, caseDir, base, narrowed.matches, timeoutMs);
}

async function narrowCase(job: Job, caseDir: string, deadlineAt: number): Promise<NarrowResult> {
  const known = job.together.resultOf(caseDir);
  return known ?? (await narrow(job.workshop.jail, job.plan, caseDir, deadlineAt, job.signal));
}

async function checkCase(
  job: Job,
  input: CaseInput,
  caseDir: string,
  base: Omit<CaseResult, 'stage' | 'outcome'>,
  matches: readonly Match[],
  timeoutMs: number,
): Promise<Ran> {
  const matched = {
    ...base,
    stage: 'check' as const,
    matchCount: matches.length,
    matches: matches.slice(0, MAX_LISTED_MATCHES).map(shorten),
  };
  // Waiting for the shared type stripping is not the case's own time.
  const check = await job.check;
  if (!('dir' in check)) return { result: { ...matched, ...late(job, check.ending) }, undead: false };
  const startedAt = performance.now();
  const room = job.workshop.ready.take();
  const { undead, ...checked } = await runCheck(job.workshop.jail, {
    ...(room === undefined ? {} : { ready: { room, files: input.files, code: check.code } }),
    caseDir,
    checkDir: check.dir,
    matches,
    timeoutMs,
    signal: job.signal,
  });
  const checkMs = Math.round(performance.now() - startedAt);
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
