/**
 * Names, retries and timeouts of every durable step. Names are cache keys and are shown to people:
 * renaming one strands live generations, so it is a breaking change.
 */
export interface StepPolicy {
  readonly name: string;
  readonly config: StepConfig;
}

/** Retries after the first run, with the delay before the first of them, and the time limit of one run. */
interface StepConfig {
  readonly retries: { readonly limit: number; readonly delay: number; readonly backoff: 'exponential' };
  readonly timeout: number;
}

/** Longer than the caller's race of 110 s and a cold start; shorter than the container's `sleepAfter`. */
export const SANDBOX_STEP_TIMEOUT_MS = 180_000;
/** Longer than the model client's own timeout, so that its error is the one that is seen. */
export const MODEL_STEP_TIMEOUT_MS = 600_000;
const STORE_STEP_TIMEOUT_MS = 60_000;

const STORE: StepConfig = {
  retries: { limit: 4, delay: 250, backoff: 'exponential' },
  timeout: STORE_STEP_TIMEOUT_MS,
};
/** 2, 4, 8 … 256 s, 8.5 min in all: rate limits and overload of the provider are counted in minutes. */
const MODEL: StepConfig = {
  retries: { limit: 8, delay: 2_000, backoff: 'exponential' },
  timeout: MODEL_STEP_TIMEOUT_MS,
};
const SANDBOX: StepConfig = {
  retries: { limit: 3, delay: 1_000, backoff: 'exponential' },
  timeout: SANDBOX_STEP_TIMEOUT_MS,
};

/** 1, 2, 4 s and so on, 17 min in all: a store that is away does not use up a receiver's attempts. */
const DELIVERY: StepConfig = {
  retries: { limit: 10, delay: 1_000, backoff: 'exponential' },
  timeout: STORE_STEP_TIMEOUT_MS,
};

/** 0.25, 0.5, 1 s and so on, 4 min in all. A run makes up to 50 generations and starts up to 100, one after the other. */
const LOOK: StepConfig = {
  retries: { limit: 10, delay: 250, backoff: 'exponential' },
  timeout: 120_000,
};

/** 1, 2, 4, 8, 16, 32 s: the writer of the log may be moving, or waiting for its store. */
const LOG: StepConfig = {
  retries: { limit: 6, delay: 1_000, backoff: 'exponential' },
  timeout: STORE_STEP_TIMEOUT_MS,
};

export const policies = {
  accept: { name: 'accept', config: STORE },
  classify: { name: 'classify', config: MODEL },
  prepare: { name: 'prepare', config: STORE },
  generate: (attempt: number): StepPolicy => ({ name: `generate ${attempt}`, config: MODEL }),
  recall: { name: 'recall', config: STORE },
  inspect: (attempt: number): StepPolicy => ({ name: `inspect ${attempt}`, config: STORE }),
  verify: (attempt: number, chunk: number): StepPolicy => ({
    name: `verify ${attempt}.${chunk}`,
    config: SANDBOX,
  }),
  confirm: (attempt: number, chunk: number): StepPolicy => ({
    name: `confirm ${attempt}.${chunk}`,
    config: SANDBOX,
  }),
  judge: (attempt: number): StepPolicy => ({ name: `judge ${attempt}`, config: STORE }),
  sign: { name: 'sign', config: STORE },
  log: { name: 'log', config: LOG },
  publish: { name: 'publish', config: STORE },
  end: { name: 'end', config: STORE },
  /** Of a webhook. What the receiver answers is no failure of the step: that has a schedule of its own. */
  deliver: (n: number): StepPolicy => ({ name: `deliver ${n}`, config: DELIVERY }),
} as const;

/** Of a batch: its numbers count the looks of one instance. */
export const batchPolicies = {
  look: (n: number): StepPolicy => ({ name: `look ${n}`, config: LOOK }),
  submitTurns: (look: number, n: number): StepPolicy => ({ name: `submit ${look}.${n}`, config: MODEL }),
  pollTurns: (look: number, n: number): StepPolicy => ({ name: `poll ${look}.${n}`, config: MODEL }),
  collectTurns: (look: number, n: number): StepPolicy => ({ name: `collect ${look}.${n}`, config: MODEL }),
  handOn: { name: 'hand on', config: STORE },
  stop: { name: 'stop', config: STORE },
} as const;
