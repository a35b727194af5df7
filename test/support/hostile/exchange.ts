/** One verification of an attack, as a Worker would ask for it, and what is wrong with the answer by itself. */
import { randomBytes } from 'node:crypto';
import type { CaptureInput, CaseInput, VerifyRequest } from '../../../container/protocol.ts';
import { readAnswer } from '../../../src/sandboxes/exchange.ts';
import type { HostAnswer } from '../../../src/schema/report.ts';
import { CALLS, CALLS_YML } from '../../container/support.ts';
import type { Attack, End } from './attack.ts';
import type { RunningBackEnd } from './back-ends.ts';

/** Two cases, so that one could reach for the other, or leave something for it. */
export const CASES_PER_RUN = 2;
const TOTAL_TIMEOUT_MS = 60_000;
/** What ends by a limit of its own is given time for it; what has to be stopped is stopped soon. */
const CASE_TIMEOUT_MS = 8_000;
const ENDLESS_CASE_TIMEOUT_MS = 1_500;
/** A room that is killed may take 5 s to be seen dead, and the machine may be busy. */
const GRACE_MS = 15_000;

export interface Told {
  readonly answer: HostAnswer | undefined;
  /** The answer as it came. */
  readonly text: string;
  readonly problems: readonly string[];
  /** No answer came in all the time a request may take: nothing more can be had of this back end. */
  readonly stuck: boolean;
}

/** A text that only one case holds; found anywhere else, it was carried there. */
export const newOwnText = (): string => `own-${randomBytes(12).toString('hex')}`;

function timeoutMs(attack: Attack, ends: readonly End[]): number {
  if (attack.caseTimeoutMs !== undefined) return attack.caseTimeoutMs;
  return ends.some(({ outcome }) => outcome === 'timed_out') ? ENDLESS_CASE_TIMEOUT_MS : CASE_TIMEOUT_MS;
}

export function requestOf(
  attack: Attack,
  ends: readonly End[],
  addresses: Readonly<Record<string, unknown>>,
  own: readonly string[],
): VerifyRequest {
  const captures = attack.captures ?? [{ text: CALLS_YML, ...CALLS }];
  const listed = captures.map(({ id, match, language }, index): CaptureInput => {
    const file = `captures/capture-${index}.yml`;
    return { file, id, name: 'calls', match, language, scoped: false };
  });
  return {
    protocol: 1,
    nonce: randomBytes(12).toString('hex'),
    rule: {
      files: {
        'check.ts': attack.source,
        ...Object.fromEntries(listed.map(({ file }, index) => [file, captures[index]?.text ?? ''])),
      },
      captures: listed,
    },
    cases: own.map(
      (text, index): CaseInput => ({ id: `c${index}`, files: filesOf(attack, addresses, text) }),
    ),
    limits: { caseTimeoutMs: timeoutMs(attack, ends), totalTimeoutMs: TOTAL_TIMEOUT_MS },
  };
}

function filesOf(attack: Attack, addresses: Readonly<Record<string, unknown>>, own: string) {
  return {
    ...attack.files,
    'canary.json': JSON.stringify(addresses),
    'own.txt': own,
    'src/a.ts': 'const a = 1;\nmark(a);\n',
  };
}

export async function ask(backEnd: RunningBackEnd, request: VerifyRequest): Promise<Told> {
  const body = JSON.stringify(request);
  const problems: string[] = [];
  const startedAt = performance.now();
  let text = '';
  let answer: HostAnswer | undefined;
  let stuck = false;
  try {
    const response = await fetch(`${backEnd.url}/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${backEnd.token}` },
      body,
      signal: AbortSignal.timeout(request.limits.totalTimeoutMs + GRACE_MS),
    });
    text = await response.text();
    const again = new Response(text, { status: response.status, headers: response.headers });
    const exchange = { nonce: request.nonce, body, caseCount: request.cases.length };
    answer = await readAnswer(exchange, again, backEnd.buildId);
  } catch (error) {
    stuck = error instanceof Error && error.name === 'TimeoutError';
    if (stuck) problems.push(`time: no answer within ${request.limits.totalTimeoutMs + GRACE_MS} ms`);
    else problems.push(`answer: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!stuck && performance.now() - startedAt > request.limits.totalTimeoutMs + GRACE_MS) {
    problems.push('time: the request outlived its deadline');
  }
  for (const { id, checkMs } of answer?.results ?? []) {
    if (checkMs > request.limits.caseTimeoutMs + GRACE_MS) {
      problems.push(`time: ${id} outlived its deadline by ${checkMs - request.limits.caseTimeoutMs} ms`);
    }
  }
  for (const id of answer?.notRun ?? []) problems.push(`answer: ${id} was not run`);
  return { answer, text, problems, stuck };
}
