/**
 * Splits the cases of one verification so that no sandbox call can outlive its deadline, whatever the
 * number of cases: even if every case of a chunk runs into its own deadline, the host answers in time.
 */
import { HOST_PARALLELISM, HOST_TOTAL_TIMEOUT_MS } from '../../container/protocol.ts';
import { byteLength } from '../schema/path.ts';
import type { RuleCase } from '../schema/request.ts';

/** Head room for setting up rooms and for the answer, kept out of the cases' share of the host total. */
const HOST_OVERHEAD_MS = 10_000;
/** Below the host's 8 MiB body limit with room for JSON escapes and the rule. */
export const MAX_CHUNK_BYTES = 3 * 1024 * 1024;

export function maxCasesPerChunk(caseTimeoutMs: number): number {
  const rounds = Math.floor((HOST_TOTAL_TIMEOUT_MS - HOST_OVERHEAD_MS) / caseTimeoutMs);
  return Math.max(1, Math.min(50, rounds * HOST_PARALLELISM));
}

/** Chunks in case order; each case is in exactly one. */
export function planChunks(cases: readonly RuleCase[], caseTimeoutMs: number): RuleCase[][] {
  const most = maxCasesPerChunk(caseTimeoutMs);
  const chunks: RuleCase[][] = [];
  let chunk: RuleCase[] = [];
  let bytes = 0;
  for (const one of cases) {
    const size = caseBytes(one);
    if (chunk.length > 0 && (chunk.length >= most || bytes + size > MAX_CHUNK_BYTES)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(one);
    bytes += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** As JSON text, which is how it travels: escapes can make it six times as long. */
function caseBytes(one: RuleCase): number {
  return byteLength(JSON.stringify(one.files));
}
