/** Durations of HTTP calls, and what is said of them. */
import { setTimeout as wait } from 'node:timers/promises';

export interface Call {
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
}

/** @returns milliseconds until the whole answer was read */
export async function timed(
  url: string,
  token: string | null,
  { path, method = 'GET', body }: Call,
): Promise<number> {
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const start = performance.now();
  const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  await response.arrayBuffer();
  const ms = performance.now() - start;
  if (!response.ok) throw new Error(`${method} ${path} answers ${response.status}`);
  return ms;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Reads one path after the other, ten a second, until it is told to stop. */
export function keepReading(
  url: string,
  token: string | null,
  paths: () => readonly string[],
): { stop(): Promise<number[]> } {
  const durations: number[] = [];
  let stopped = false;
  const reading = (async () => {
    for (let n = 0; !stopped; n += 1) {
      const all = paths();
      const path = all[n % all.length];
      if (path !== undefined) durations.push(await timed(url, token, { path }));
      await wait(100);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await reading;
      return durations;
    },
  };
}
