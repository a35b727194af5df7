/** What a verification host says of itself, believed only with the build that counts and every wall standing. */
import { z } from 'zod';
import { BUILD_HEADER } from '../../container/protocol.ts';
import { Fault } from '../errors.ts';
import { isolationReportSchema } from '../schema/report.ts';
import { assertIsolated } from './policy.ts';

const health = z.object({ isolation: isolationReportSchema });

/**
 * Of an answer to `GET /healthz`; its body is always drained: an abandoned one keeps a container counted as busy.
 * @returns what is wrong, where asking again may help
 * @throws Fault SANDBOX_UNAVAILABLE when it is another build, SANDBOX_NOT_ISOLATED when a wall does not stand
 */
export async function readHealth(
  response: Response,
  buildId: string,
): Promise<'healthy' | { readonly problem: string }> {
  const text = await response.text();
  const build = response.headers.get(BUILD_HEADER);
  if (build === null) return { problem: `the platform answered ${response.status}: ${text.slice(0, 200)}` };
  if (build !== buildId) {
    // It will not become another one.
    throw new Fault('SANDBOX_UNAVAILABLE', `it is build ${build.slice(0, 128)}, expected ${buildId}`);
  }
  const parsed = response.status === 200 ? health.safeParse(parseJson(text)) : undefined;
  if (!parsed?.success) return { problem: `the host answered ${response.status}` };
  assertIsolated(parsed.data.isolation);
  return 'healthy';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
