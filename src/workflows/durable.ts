/**
 * The only door to `step.do`. Sets retries and timeout explicitly, keeps results small, and turns every
 * error into `CODE: message`, which is all that survives a step; codes that no retry can help end the
 * step at once. How long a step took is kept in its result, so that a replay knows it too.
 */
import type { WorkflowStep } from 'cloudflare:workers';
import { NonRetryableError } from 'cloudflare:workflows';
import { Fault, faultCode, isRetryable, reasonOf } from '../errors.ts';
import { type LogFacts, log } from '../logger.ts';
import type { StepTime } from '../store/step-times.ts';
import { pause } from './pause.ts';
import type { StepPolicy } from './policies.ts';

/** The platform's limit is 1 MiB and is not enforced locally; larger bytes belong in R2. */
export const MAX_STEP_RESULT_BYTES = 256 * 1024;

export interface StepRun {
  /** 1-based; grows with every retry and every crash in the middle of the step. */
  readonly stepAttempt: number;
}

/** Runs a step of one workflow, with what its steps may use. */
export type RunStep<Deps> = <T extends object>(
  policy: StepPolicy,
  body: (deps: Deps, run: StepRun) => Promise<T>,
) => Promise<T>;

export interface Watch {
  /** Whose step it is, for the log. */
  readonly about?: Pick<LogFacts, 'generation' | 'batch' | 'delivery' | 'org'>;
  /** Told of every step that has a result, in a replay too. */
  readonly onDone?: (time: StepTime) => void;
}

export async function durable<T extends object>(
  step: WorkflowStep,
  policy: StepPolicy,
  body: (run: StepRun) => Promise<T>,
  { about = {}, onDone }: Watch = {},
): Promise<T> {
  const stored = await step.do(policy.name, policy.config, async ({ attempt }) => {
    await pause();
    const startedMs = Date.now();
    const took = () => ({ stepAttempt: attempt, durationMs: Date.now() - startedMs });
    const say = { ...about, step: policy.name };
    try {
      const result = await body({ stepAttempt: attempt });
      const time = took();
      const text = toStored(policy.name, result, { startedMs, ...time });
      log('info', 'step_done', { ...say, ...time });
      await pause();
      return text;
    } catch (error) {
      const code = faultCode(error);
      log('warn', 'step_failed', { ...say, ...took(), code, message: reasonOf(error) });
      throw toStepError(code, error);
    }
  });
  const { result, time } = fromStored<T>(stored);
  if (time !== undefined) onDone?.({ step: policy.name, ...time });
  return result;
}

interface Stored<T> {
  readonly result: T;
  readonly time?: Omit<StepTime, 'step'>;
}

/** Stored as JSON text: what a replay reads is then exactly what the first run returned. */
function toStored(name: string, result: object, time: Omit<StepTime, 'step'>): string {
  const text = JSON.stringify({ result, time } satisfies Stored<object>);
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > MAX_STEP_RESULT_BYTES) {
    throw new Fault(
      'STEP_RESULT_TOO_LARGE',
      `step ${name} returned ${bytes} bytes, at most ${MAX_STEP_RESULT_BYTES}`,
    );
  }
  return text;
}

/** Steps from before times were kept stored their result alone; instances that live on replay those. */
function fromStored<T>(text: string): Stored<T> {
  const parsed = JSON.parse(text) as Partial<Stored<T>>;
  const { result, time } = parsed;
  return result === undefined || time === undefined ? { result: parsed as T } : { result, time };
}

function toStepError(code: ReturnType<typeof faultCode>, error: unknown): Error {
  const message = `${code}: ${reasonOf(error)}`;
  // Never a second argument: the engine tells non-retryable errors by name, and that would change it.
  return isRetryable(code) ? new Error(message) : new NonRetryableError(message);
}
