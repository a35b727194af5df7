/**
 * One verification: every case by itself, at most as many at a time as there are slots, inside the
 * case's and the request's deadlines. Reports what happened; decides nothing, and knows nothing of how
 * a back end runs things: it does no I/O of its own.
 */
import { MAX_LISTED_CAPTURES, MAX_LISTED_MATCHES, MAX_LISTED_TEXT_CHARS, MIN_CHECK_MS } from './limits.ts';
import type { Ending } from './outcome.ts';
import {
  type CaseInput,
  type CaseResult,
  type Finding,
  type Match,
  type MatchReport,
  STOP_AFTER_TIMEOUTS,
  type SyntaxTree,
  type VerifyRequest,
} from './protocol.ts';
import { reportMatches } from './report-matches.ts';
import type { Slots } from './slots.ts';
import { cleanText, messageOf } from './text.ts';

/** Something that can run rules: rooms of a jail, or isolates. */
export interface BackEnd {
  readonly slots: Slots;
  /** Lays out what the cases of one request share. `signal` ends everything that is started in it. */
  open(request: VerifyRequest, signal: AbortSignal): Promise<Session>;
  /** Called when a request has ended and nothing else runs. */
  idle(): void;
}

/** One request in a back end. A case is named by its index in the request. Methods may reject: our side failed. */
export interface Session {
  narrow(index: number, deadlineAt: number): Promise<Narrowed>;
  /** Only asked when nothing matched. */
  trees(
    index: number,
    deadlineAt: number,
  ): Promise<{ readonly trees: SyntaxTree[]; readonly undead: boolean }>;
  /** Resolves when checks can be run, or with why they cannot; at once for a rule without a check. Never rejects. */
  prepared(): Promise<Ending | undefined>;
  check(index: number, matches: readonly Match[], timeoutMs: number): Promise<Checked>;
  close(): void;
}

export interface Narrowed {
  readonly matches: readonly Match[];
  /** Set when the narrow did not succeed. */
  readonly ending?: Ending;
  /** True when what ran was not seen dead. */
  readonly undead?: boolean;
  /** This case's share of work that was done for all cases at once. */
  readonly sharedMs?: number;
}

export interface Checked extends Ending {
  readonly findings: readonly Finding[];
  readonly console: string;
  readonly undead: boolean;
}

export interface Verified {
  /** Of the cases that were run, in request order. */
  readonly results: readonly CaseResult[];
  readonly notRun: readonly string[];
}

/** What all cases of one request share. */
interface Job {
  readonly slots: Slots;
  readonly session: Session;
  /** Set when the rule has no check. */
  readonly report: MatchReport | undefined;
  readonly caseTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Until when a case may be started: one started later might not end within the host's total. */
  readonly startUntil: number;
  /** Cases that ran into their deadline so far. */
  timedOut: number;
}

export async function verifyCases(
  backEnd: BackEnd,
  request: VerifyRequest,
  disconnected: AbortSignal,
): Promise<Verified> {
  const startedAt = performance.now();
  const { caseTimeoutMs, totalTimeoutMs } = request.limits;
  const total = new AbortController();
  const timer = setTimeout(() => total.abort(), totalTimeoutMs);
  const signal = AbortSignal.any([disconnected, total.signal]);
  let session: Session | undefined;
  try {
    session = await backEnd.open(request, signal);
    const startUntil = startedAt + totalTimeoutMs - caseTimeoutMs;
    const { report } = request.rule;
    const { slots } = backEnd;
    const job: Job = { slots, session, report, caseTimeoutMs, signal, startUntil, timedOut: 0 };
    const results = await Promise.all(request.cases.map((each, index) => runCase(job, each, index)));
    await session.prepared();
    return {
      results: results.filter((result) => result !== undefined),
      notRun: request.cases.filter((_, index) => results[index] === undefined).map(({ id }) => id),
    };
  } finally {
    clearTimeout(timer);
    session?.close();
    if (backEnd.slots.busy === 0) backEnd.idle();
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

/** Undefined when the case was left out: enough others had timed out, or it might not have ended in time. */
async function runCase(job: Job, input: CaseInput, index: number): Promise<CaseResult | undefined> {
  const release = await job.slots.acquire(job.signal);
  if (release === undefined) return undefined;
  let undead = false;
  try {
    if (job.timedOut >= STOP_AFTER_TIMEOUTS || performance.now() > job.startUntil) return undefined;
    const ran = await narrowAndCheck(job, input.id, index);
    undead = ran.undead;
    if (ran.result.outcome === 'timed_out') job.timedOut += 1;
    return ran.result;
  } catch (thrown) {
    const error = { name: 'HostError', message: messageOf(thrown) };
    return { id: input.id, ...EMPTY, stage: 'narrow', outcome: 'host_error', error };
  } finally {
    release(undead);
  }
}

interface Ran {
  readonly result: CaseResult;
  readonly undead: boolean;
}

async function narrowAndCheck(job: Job, id: string, index: number): Promise<Ran> {
  const { session, caseTimeoutMs } = job;
  const startedAt = performance.now();
  const deadlineAt = startedAt + caseTimeoutMs;
  const narrowed = await session.narrow(index, deadlineAt);
  const narrowMs = Math.round(performance.now() - startedAt) + (narrowed.sharedMs ?? 0);
  const base = { id, ...EMPTY, narrowMs };
  if (narrowed.ending) {
    const result: CaseResult = { ...base, stage: 'narrow', ...late(job, narrowed.ending) };
    return { result, undead: narrowed.undead ?? false };
  }
  if (narrowed.matches.length === 0) {
    // The zero-match gate: the check is never started, and that is a result, not an error.
    const { trees, undead } = await session.trees(index, deadlineAt);
    return { result: { ...base, stage: 'narrow', outcome: 'exited', trees }, undead };
  }
  const { report } = job;
  if (report !== undefined)
    return { result: { ...base, ...reported(narrowed.matches, report) }, undead: false };
  const timeoutMs = caseTimeoutMs - narrowMs;
  if (timeoutMs < Math.min(MIN_CHECK_MS, caseTimeoutMs / 4)) {
    const message = `finding the matches took ${narrowMs} of ${caseTimeoutMs} ms`;
    const error = { name: 'NarrowTooSlow', message };
    return { result: { ...base, stage: 'narrow', outcome: 'timed_out', error }, undead: false };
  }
  return checkCase(job, index, base, narrowed.matches, timeoutMs);
}

function reported(matches: readonly Match[], report: MatchReport) {
  return { stage: 'narrow' as const, ...listed(matches), ...reportMatches(matches, report) };
}

function listed(matches: readonly Match[]): Pick<CaseResult, 'matchCount' | 'matches'> {
  return { matchCount: matches.length, matches: matches.slice(0, MAX_LISTED_MATCHES).map(shorten) };
}

async function checkCase(
  job: Job,
  index: number,
  base: Omit<CaseResult, 'stage' | 'outcome'>,
  matches: readonly Match[],
  timeoutMs: number,
): Promise<Ran> {
  const matched = { ...base, stage: 'check' as const, ...listed(matches) };
  // Waiting for what all checks share is not the case's own time.
  const unprepared = await job.session.prepared();
  if (unprepared) return { result: { ...matched, ...late(job, unprepared) }, undead: false };
  const startedAt = performance.now();
  const { undead, ...checked } = await job.session.check(index, matches, timeoutMs);
  const checkMs = Math.round(performance.now() - startedAt);
  const { outcome, error, findings, console } = { error: undefined, ...checked, ...late(job, checked) };
  return { result: { ...matched, outcome, ...(error ? { error } : {}), findings, console, checkMs }, undead };
}

/** What was cancelled because the whole request ran out of time says so. */
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
