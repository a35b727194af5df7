/**
 * Reads what is left of a body before the answer goes out: who still writes when the connection is closed under it
 * seldom reads why it was refused. Up to a size and a time, so that nobody is read for ever.
 */
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context.ts';

/** As much again as the largest body may have. */
export const MAX_DRAINED_BYTES = 16 * 1024 * 1024;
const MAX_DRAIN_MS = 2_000;

export const drain = createMiddleware<AppEnv>(async (context, next) => {
  await next();
  const { body } = context.req.raw;
  if (body === null || body.locked) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MAX_DRAIN_MS);
  });
  await Promise.race([readRest(body), late]);
  // Most bodies are at their end already, and their calls are not to leave a timer behind.
  clearTimeout(timer);
});

async function readRest(body: ReadableStream<Uint8Array>): Promise<void> {
  let bytes = 0;
  try {
    for await (const part of body) {
      bytes += part.byteLength;
      if (bytes > MAX_DRAINED_BYTES) return;
    }
  } catch {
    // Who sends it is gone.
  }
}
