/**
 * The only door to `step.do`. Sets retries and timeout explicitly, keeps results small, and turns every
 * error into `CODE: message`, which is all that survives a step; codes that no retry can help end the
 * step at once.
 */
import type { WorkflowStep } from 'cloudflare:workers';
import { NonRetryableError } from 'cloudflare:workflows';
import { Fault, faultCode, isRetryable, messageOf, reasonOf } from '../errors.ts';
import type { StepPolicy } from './policies.ts';

/** The platform's limit is 1 MiB and is not enforced locally; larger bytes belong in R2. */
export const MAX_STEP_RESULT_BYTES = 256 * 1024;

export interface StepRun {
  /** 1-based; grows with every retry and every crash in the middle of the step. */
  readonly stepAttempt: number;
}

export async function durable<T extends object>(
  step: WorkflowStep,
  policy: StepPolicy,
  body: (run: StepRun) => Promise<T>,
): Promise<T> {
  const result = await step.do(policy.name, policy.config, async (context) => {
    try {
      return toStored(policy.name, await body({ stepAttempt: context.attempt }));
    } catch (error) {
      throw toStepError(policy.name, error);
    }
  });
  return JSON.parse(result) as T;
}

/** Stored as JSON text: what a replay reads is then exactly what the first run returned. */
function toStored(name: string, result: object): string {
  const text = JSON.stringify(result);
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > MAX_STEP_RESULT_BYTES) {
    throw new Fault(
      'STEP_RESULT_TOO_LARGE',
      `step ${name} returned ${bytes} bytes, at most ${MAX_STEP_RESULT_BYTES}`,
    );
  }
  return text;
}

function toStepError(name: string, error: unknown): Error {
  const code = faultCode(error);
  const message = `${code}: ${reasonOf(error)}`;
  console.warn(
    JSON.stringify({ level: 'warn', event: 'step_failed', step: name, code, message: messageOf(error) }),
  );
  // Never a second argument: the engine tells non-retryable errors by name, and that would change it.
  return isRetryable(code) ? new Error(message) : new NonRetryableError(message);
}
