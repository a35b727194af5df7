/**
 * One POST. Follows no redirect, reads no byte of the answer's body, and waits no longer than it is told. What
 * went wrong comes back in our own words: nothing a receiver says is kept but its status.
 */
import { retryAfterMs, type Tried } from './outcome.ts';

const USER_AGENT = 'assay-webhooks/1';

export async function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number,
): Promise<Tried> {
  const startedMs = Date.now();
  const since = () => Date.now() - startedMs;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': USER_AGENT, ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    // It may break off as it likes: the status is the answer.
    await response.body?.cancel().catch(() => undefined);
    const asked = retryAfterMs(response.headers.get('retry-after'), Date.now());
    return { status: response.status, problem: null, retryAfterMs: asked, durationMs: since() };
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    const problem = late ? 'TIMEOUT' : 'UNREACHABLE';
    return { status: null, problem, retryAfterMs: null, durationMs: since() };
  }
}
