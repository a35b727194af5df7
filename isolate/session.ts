/**
 * The back end made of isolates. One narrow over all cases of a request and one type stripping, then one
 * fresh isolate per case. What starts isolates and what parses is handed in: the same session runs on
 * workerd processes and on a Worker Loader.
 */
import { STRIP_TIMEOUT_MS, TOGETHER_TIMEOUT_MS } from '../container/limits.ts';
import { checkError, type Ending, ending, STOPPED } from '../container/outcome.ts';
import {
  type CaseInput,
  type Match,
  type RuleInput,
  type SyntaxTree,
  UNSUPPORTED,
  type VerifyRequest,
} from '../container/protocol.ts';
import type { Slots } from '../container/slots.ts';
import type { BackEnd, Checked, Narrowed, Session } from '../container/verify.ts';
import { type Bundle, bundleOf, type RoomScripts } from './bundle.ts';
import { type IsolateExit, toChecked } from './exit.ts';
import type { Done, NarrowResult, StripResult } from './jobs.ts';
import { unsupported } from './needs.ts';

export interface Parsers {
  strip(source: string, timeoutMs: number, signal: AbortSignal): Promise<Done<StripResult>>;
  narrow(
    rule: RuleInput,
    cases: readonly CaseInput['files'][],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Done<NarrowResult>>;
  trees(
    rule: RuleInput,
    files: CaseInput['files'],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Done<SyntaxTree[]>>;
}

export interface IsolateTask {
  readonly token: string;
  readonly matches: readonly Match[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Factory {
  readonly slots: Slots;
  readonly parsers: Parsers;
  readonly scripts: RoomScripts;
  run(bundle: Bundle, task: IsolateTask): Promise<IsolateExit>;
}

export function isolatesBackEnd(factory: Factory): BackEnd {
  return {
    slots: factory.slots,
    open: (request, signal) => openIsolates(factory, request, signal),
    idle: () => {},
  };
}

interface Together {
  readonly narrowed: readonly Narrowed[];
  readonly shareMs: number;
}

async function openIsolates(
  factory: Factory,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<IsolateSession> {
  const problem = unsupported(request);
  if (problem !== null)
    return new IsolateSession(factory, request, signal, { narrowed: [], shareMs: 0 }, problem);
  const source = request.rule.files['check.ts'];
  const check = source === undefined ? undefined : prepareCheck(factory, source, signal);
  const together = await narrowTogether(factory, request, signal);
  return new IsolateSession(factory, request, signal, together, null, check);
}

/** All cases at once; none when that took too long, so that each case is narrowed at its own cost. */
async function narrowTogether(
  factory: Factory,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<Together> {
  const nothing = { narrowed: [], shareMs: 0 };
  const release = await factory.slots.acquire(signal);
  if (release === undefined) return nothing;
  try {
    const startedAt = performance.now();
    const timeoutMs = Math.min(TOGETHER_TIMEOUT_MS, request.limits.caseTimeoutMs / 2);
    const files = request.cases.map((one) => one.files);
    const done = await factory.parsers.narrow(request.rule, files, timeoutMs, signal);
    const narrowed = 'value' in done && 'narrowed' in done.value ? done.value.narrowed : undefined;
    if (narrowed === undefined) return nothing;
    return { narrowed, shareMs: Math.round((performance.now() - startedAt) / request.cases.length) };
  } finally {
    release();
  }
}

const NO_MEMORY = ending('memory_exceeded', 'MemoryExceeded', 'reading it needed more memory than allowed');

type PreparedCheck = { readonly code: string } | { readonly ending: Ending };

/** Never rejects. */
async function prepareCheck(factory: Factory, source: string, signal: AbortSignal): Promise<PreparedCheck> {
  const release = await factory.slots.acquire(signal);
  if (release === undefined)
    return { ending: ending('host_error', 'HostError', 'there was no time to strip types') };
  try {
    const done = await factory.parsers.strip(source, STRIP_TIMEOUT_MS, signal);
    if ('late' in done) {
      const outcome = signal.aborted ? 'host_error' : 'timed_out';
      return { ending: ending(outcome, 'StripTimedOut', 'removing the types of check.ts took too long') };
    }
    if ('outOfMemory' in done) return { ending: NO_MEMORY };
    if ('failure' in done) return { ending: ending('host_error', 'HostError', done.failure) };
    if ('code' in done.value) return done.value;
    const { message, line } = done.value.error;
    return { ending: { outcome: 'exited', error: checkError('SyntaxError', message, line) } };
  } finally {
    release();
  }
}

class IsolateSession implements Session {
  readonly #factory: Factory;
  readonly #request: VerifyRequest;
  readonly #signal: AbortSignal;
  readonly #together: Together;
  readonly #problem: string | null;
  readonly #check: Promise<PreparedCheck> | undefined;

  constructor(
    factory: Factory,
    request: VerifyRequest,
    signal: AbortSignal,
    together: Together,
    problem: string | null,
    check?: Promise<PreparedCheck>,
  ) {
    this.#factory = factory;
    this.#request = request;
    this.#signal = signal;
    this.#together = together;
    this.#problem = problem;
    this.#check = check;
  }

  async narrow(index: number, deadlineAt: number): Promise<Narrowed> {
    if (this.#problem !== null) return cannot(this.#problem);
    const { narrowed, shareMs: sharedMs } = this.#together;
    const known = narrowed[index];
    if (known !== undefined) return { ...known, sharedMs };
    const timeoutMs = deadlineAt - performance.now();
    const { parsers } = this.#factory;
    const done = await parsers.narrow(this.#request.rule, [this.#files(index)], timeoutMs, this.#signal);
    if ('late' in done) {
      return { matches: [], ending: this.#signal.aborted ? STOPPED.cancelled : STOPPED.deadline };
    }
    if ('outOfMemory' in done) return { matches: [], ending: NO_MEMORY };
    // Of this thread, not of the rule: another try may well go right.
    if ('failure' in done) return { matches: [], ending: ending('host_error', 'HostError', done.failure) };
    if ('unsupported' in done.value) return cannot(done.value.unsupported);
    return done.value.narrowed[0] ?? cannot('there is no case');
  }

  async trees(index: number, deadlineAt: number): ReturnType<Session['trees']> {
    const timeoutMs = deadlineAt - performance.now();
    const { parsers } = this.#factory;
    const done = await parsers.trees(this.#request.rule, this.#files(index), timeoutMs, this.#signal);
    return { trees: 'value' in done ? done.value : [], undead: false };
  }

  async prepared(): ReturnType<Session['prepared']> {
    const check = await this.#check;
    return check !== undefined && 'ending' in check ? check.ending : undefined;
  }

  async check(index: number, matches: readonly Match[], timeoutMs: number): Promise<Checked> {
    const check = await this.#check;
    if (check === undefined || !('code' in check)) throw new Error('the check was not prepared');
    const { scripts } = this.#factory;
    const bundle = bundleOf(scripts, check.code, this.#files(index));
    const token = randomToken();
    const signal = this.#signal;
    return toChecked(await this.#factory.run(bundle, { token, matches, timeoutMs, signal }), token);
  }

  close(): void {}

  #files(index: number): CaseInput['files'] {
    const one = this.#request.cases[index];
    if (one === undefined) throw new Error(`there is no case ${index}`);
    return one.files;
  }
}

/** Rather no verdict than one that ast-grep's command line might not give. */
function cannot(why: string): Narrowed {
  return { matches: [], ending: ending('host_error', UNSUPPORTED, `isolates cannot run this: ${why}`) };
}

function randomToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
