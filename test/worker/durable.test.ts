import type { WorkflowStep } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { FAULTS, Fault, type FaultCode, faultCode, isRetryable } from '../../src/errors.ts';
import type { StepTime } from '../../src/store/step-times.ts';
import { durable, MAX_STEP_RESULT_BYTES } from '../../src/workflows/durable.ts';
import { policies } from '../../src/workflows/policies.ts';

/** Runs the body once and keeps what the engine would be given. */
function recordingStep() {
  const seen: { name: string; config: unknown; error?: unknown } = { name: '', config: undefined };
  const step = {
    do: async (name: string, config: unknown, body: (context: { attempt: number }) => Promise<unknown>) => {
      Object.assign(seen, { name, config });
      try {
        return await body({ attempt: 3 });
      } catch (error) {
        seen.error = error;
        throw error;
      }
    },
  };
  return { step: step as unknown as WorkflowStep, seen };
}

describe('every code that crosses a step', () => {
  test.each(Object.keys(FAULTS) as FaultCode[])(
    '%s keeps its code and is retried only when that can help',
    async (code) => {
      const { step, seen } = recordingStep();
      const failing = durable(step, policies.accept, () => Promise.reject(new Fault(code, 'reason')));
      await expect(failing).rejects.toThrow(`${code}: reason`);
      expect(faultCode(seen.error)).toBe(code);
      expect((seen.error as Error).name === 'NonRetryableError').toBe(!isRetryable(code));
    },
  );

  test('an error nobody expected is INTERNAL and retried', async () => {
    const { step, seen } = recordingStep();
    await expect(durable(step, policies.accept, () => Promise.reject(new TypeError('x')))).rejects.toThrow(
      'INTERNAL: x',
    );
    expect((seen.error as Error).name).toBe('Error');
  });

  test('the code survives the class names that a hop puts in front', () => {
    expect(faultCode(new Error('NonRetryableError: Fault: MODEL_UNAUTHORIZED: no'))).toBe(
      'MODEL_UNAUTHORIZED',
    );
    expect(faultCode('remote: Error: SANDBOX_NOT_ISOLATED: tcp')).toBe('SANDBOX_NOT_ISOLATED');
    expect(faultCode(new Error('HTTP: NOT_A_CODE: x'))).toBe('INTERNAL');
    expect(faultCode(new Error('the model said GENERATION_ENDED: ha'))).toBe('INTERNAL');
  });
});

test('the engine is given the name, the retries and the timeout of the policy', async () => {
  const { step, seen } = recordingStep();
  const result = await durable(step, policies.verify(2, 1), (run) => Promise.resolve({ run }));
  expect(result).toEqual({ run: { stepAttempt: 3 } });
  expect(seen).toMatchObject({ name: 'verify 2.1', config: { retries: { limit: 3 }, timeout: 180_000 } });
});

describe('how long a step took', () => {
  test('is told with its result, and again in a replay', async () => {
    let stored = '';
    const first = {
      do: async (
        _name: string,
        _config: unknown,
        body: (context: { attempt: number }) => Promise<string>,
      ) => {
        stored = await body({ attempt: 2 });
        return stored;
      },
    } as unknown as WorkflowStep;
    const replay = { do: async () => stored } as unknown as WorkflowStep;
    const times: StepTime[] = [];
    const watch = { onDone: (time: StepTime) => times.push(time) };
    for (const step of [first, replay]) {
      const result = await durable(step, policies.judge(1), () => Promise.resolve({ n: 1 }), watch);
      expect(result).toEqual({ n: 1 });
    }
    const time = {
      step: 'judge 1',
      stepAttempt: 2,
      startedMs: expect.any(Number),
      durationMs: expect.any(Number),
    };
    expect(times).toEqual([time, times[0]]);
  });

  test('is not known of results from before it was kept, which are taken as they are', async () => {
    const step = { do: async () => '{"result":1}' } as unknown as WorkflowStep;
    const onDone = () => {
      throw new Error('told');
    };
    const body = () => Promise.resolve({ result: 2 });
    expect(await durable(step, policies.accept, body, { onDone })).toEqual({ result: 1 });
  });
});

test('a result that is too large is refused before the engine stores it', async () => {
  const { step } = recordingStep();
  const large = { text: 'x'.repeat(MAX_STEP_RESULT_BYTES) };
  await expect(durable(step, policies.accept, () => Promise.resolve(large))).rejects.toThrow(
    'STEP_RESULT_TOO_LARGE',
  );
});
