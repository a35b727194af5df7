/**
 * The one request and the one answer every back end exchanges with a verification host. The answer is
 * untrusted: size-capped, parsed, bound to our nonce, and refused when a wall did not hold.
 */
import {
  BUILD_HEADER,
  HOST_TOTAL_TIMEOUT_MS,
  MAX_RESPONSE_BYTES,
  PROTOCOL_VERSION,
  type VerifyRequest,
} from '../../container/protocol.ts';
import { Fault } from '../errors.ts';
import { sandboxRule } from '../rules/sandbox-rule.ts';
import { type HostAnswer, verifyResponseSchema } from '../schema/report.ts';
import { assertIsolated } from './policy.ts';
import type { SandboxCall } from './sandbox.ts';

export interface Exchange {
  readonly nonce: string;
  /** JSON text: a known length, because streamed uploads to containers are not dependable. */
  readonly body: string;
  readonly caseCount: number;
}

export function openExchange(call: SandboxCall): Exchange {
  const nonce = crypto.randomUUID();
  const request: VerifyRequest = {
    protocol: PROTOCOL_VERSION,
    nonce,
    rule: sandboxRule(call.rule),
    cases: call.cases.map((one, index) => ({ id: `c${index}`, files: one.files })),
    limits: { caseTimeoutMs: call.caseTimeoutMs, totalTimeoutMs: HOST_TOTAL_TIMEOUT_MS },
  };
  return { nonce, body: JSON.stringify(request), caseCount: call.cases.length };
}

/**
 * Always drains the body.
 * @param buildId the build whose answer counts: a rollout may still serve an older image for a while
 * @throws Fault see {@link Sandbox.verify}
 */
export async function readAnswer(
  exchange: Exchange,
  response: Response,
  buildId: string,
): Promise<HostAnswer> {
  const text = await readCapped(response);
  if (!response.headers.has(BUILD_HEADER)) {
    throw new Fault(
      'SANDBOX_UNAVAILABLE',
      `the platform answered ${response.status}, not the verification host`,
    );
  }
  const build = response.headers.get(BUILD_HEADER);
  if (build !== buildId) {
    throw new Fault(
      'SANDBOX_UNAVAILABLE',
      `the sandbox is build ${build?.slice(0, 128)}, expected ${buildId}`,
    );
  }
  if (response.status !== 200) throw refusal(response.status, text);
  const parsed = verifyResponseSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Fault(
      'SANDBOX_BAD_ANSWER',
      `answer does not fit at ${issue?.path.join('.')}: ${issue?.message}`,
    );
  }
  const answer = parsed.data;
  if (answer.build.id !== buildId)
    throw new Fault('SANDBOX_BAD_ANSWER', 'answer names another build than its header');
  if (answer.nonce !== exchange.nonce) throw new Fault('SANDBOX_BAD_ANSWER', 'answer is for another call');
  const ids = [...answer.results.map((result) => result.id), ...answer.notRun];
  const expected = Array.from({ length: exchange.caseCount }, (_, index) => `c${index}`);
  if (ids.length !== expected.length || expected.some((id) => !ids.includes(id))) {
    throw new Fault('SANDBOX_BAD_ANSWER', 'answer does not list every case once');
  }
  assertIsolated(answer.isolation);
  return answer;
}

function refusal(status: number, text: string): Fault {
  const code = status >= 400 && status < 500 ? 'SANDBOX_REFUSED_INPUT' : 'SANDBOX_UNAVAILABLE';
  return new Fault(code, `verification host answered ${status}: ${text.slice(0, 500)}`);
}

async function readCapped(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    // The rest is read and dropped: an abandoned body keeps a container counted as busy.
    if (bytes <= MAX_RESPONSE_BYTES) text += decoder.decode(part, { stream: true });
  }
  if (bytes > MAX_RESPONSE_BYTES)
    throw new Fault('SANDBOX_BAD_ANSWER', `answer is larger than ${MAX_RESPONSE_BYTES} bytes`);
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
