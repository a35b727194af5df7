/** What the crash suite asks for, and how each must end however often the stack is killed meanwhile. */
import type { GenerationEvent } from '../../src/schema/api.ts';
import type { RuleRequest } from '../../src/schema/request.ts';
import { request } from '../support/rule.ts';

type EventType = GenerationEvent['type'];

export interface Expected {
  readonly status: 'signed' | 'failed' | 'errored' | 'cancelled';
  readonly events: readonly EventType[];
  /** Attempts whose answer was paid for in this generation; 0 is the question for the engine. */
  readonly paid: readonly number[];
}

export interface Scenario {
  readonly name: string;
  /** For `scripted-model.ts`. */
  readonly script: string;
  readonly over?: Partial<RuleRequest>;
  readonly expected: Expected;
  /** Asked for together, in place of the one above; two under way at a time. */
  readonly batch?: readonly Pick<Scenario, 'script' | 'expected'>[];
  /** The batch's first turns are asked for in a batch of the provider. */
  readonly economy?: true;
  /** Its end is told by webhook. */
  readonly told?: true;
  /** Cancelled as soon as this event is seen; it may still be signed when that is sooner. */
  readonly cancelAfter?: EventType;
  /** Once it ended, retried with this body. */
  readonly retry?: { readonly body: Readonly<Record<string, unknown>>; readonly expected: Expected };
}

const begun: readonly EventType[] = ['started', 'classified'];
const asked: readonly EventType[] = ['model_called', 'replied'];
const refused: readonly EventType[] = [...asked, 'inspected'];
const rejected: readonly EventType[] = [...asked, 'inspected', 'verified', 'judged'];
const accepted: readonly EventType[] = [...asked, 'inspected', 'verified', 'confirmed', 'judged'];
const signedAtOnce: Expected = { status: 'signed', events: [...begun, ...accepted, 'ended'], paid: [1] };

const refusal: Expected = { status: 'failed', events: [...begun, ...asked, 'ended'], paid: [1] };

/** The first turn comes before the generation starts. */
const signedInEconomy: Expected = {
  ...signedAtOnce,
  events: [...asked, ...begun, ...accepted.slice(asked.length), 'ended'],
};
const refusedInEconomy: Expected = { ...refusal, events: [...asked, ...begun, 'ended'] };
const unansweredInEconomy: Expected = { ...signedAtOnce, events: ['model_called', ...signedAtOnce.events] };

export const SCENARIOS: readonly [Scenario, ...Scenario[]] = [
  { name: 'signed at once, and told', script: 'good', told: true, expected: signedAtOnce },
  {
    name: 'signed after a rejection, the engine asked for',
    script: 'unclear, silent, good',
    over: { engine: 'auto' },
    expected: { status: 'signed', events: [...begun, ...rejected, ...accepted, 'ended'], paid: [0, 1, 2] },
  },
  {
    name: 'signed after a refusal by inspection',
    script: 'imports, good',
    expected: { status: 'signed', events: [...begun, ...refused, ...accepted, 'ended'], paid: [1, 2] },
  },
  { name: 'an ast-grep rule', script: 'sggood', over: { engine: 'sg' }, expected: signedAtOnce },
  {
    name: 'attempts spent, then retried from the first',
    script: 'silent, good',
    over: { limits: { attempts: 1 } },
    expected: { status: 'failed', events: [...begun, ...rejected, 'ended'], paid: [1] },
    retry: { body: { fromAttempt: 1, attempts: 2 }, expected: signedAtOnce },
  },
  {
    name: 'the model refuses, and that is told',
    script: 'refusal',
    told: true,
    expected: refusal,
  },
  {
    name: 'the model endpoint refuses our key',
    script: 'badkey',
    expected: { status: 'errored', events: [...begun, 'model_called', 'ended'], paid: [] },
  },
  {
    name: 'cancelled, and told',
    script: 'silent, good',
    told: true,
    cancelAfter: 'judged',
    expected: { status: 'cancelled', events: [...begun, ...rejected, ...accepted, 'ended'], paid: [1, 2] },
  },
  {
    name: 'a batch',
    script: '',
    expected: signedAtOnce,
    batch: [
      { script: 'good', expected: signedAtOnce },
      { script: 'refusal', expected: refusal },
      { script: 'good', expected: signedAtOnce },
    ],
  },
  {
    name: 'a batch in economy mode',
    script: '',
    expected: signedAtOnce,
    economy: true,
    batch: [
      { script: 'good', expected: signedInEconomy },
      { script: 'refusal', expected: refusedInEconomy },
      { script: 'batcherror', expected: unansweredInEconomy },
    ],
  },
];

/** `marker` tells its model calls from those of all others. */
export function requestOf(
  { script, over = {}, told }: Scenario,
  marker: string,
  callbackUrl: string,
): RuleRequest {
  const prompt = `No eval anywhere [[${script}]] case-${marker}.`;
  return { ...request, ...over, prompt, ...(told === undefined ? {} : { callbackUrl }) };
}
