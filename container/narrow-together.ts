/**
 * One narrow for all cases of a request: the case directories lie side by side in one folder that is
 * scanned once, and the matches are dealt out by folder. ast-grep looks at each file by itself, so the
 * result is the same as that of a scan per case, at about 15 ms less for each (measured).
 *
 * It is an optimisation only: whatever it cannot give a clean answer for (globs that start at the
 * repository's root, a time-out, a flood) is left to the narrow of each case, which says whose fault it is.
 */
import { basename } from 'node:path';
import type { Jail } from './jail/jail.ts';
import { MAX_MATCHES, TOGETHER_TIMEOUT_MS } from './limits.ts';
import { type NarrowPlan, runScans } from './narrow.ts';
import type { Match } from './protocol.ts';
import type { Narrowed } from './verify.ts';

export interface Together {
  /** Undefined for a case that must be narrowed by itself. */
  resultOf(caseDir: string): Narrowed | undefined;
  /** Each case's share of the time it took. */
  readonly shareMs: number;
  readonly undead: boolean;
}

/** Every case is narrowed by itself. */
export const NOT_TOGETHER: Together = { resultOf: () => undefined, shareMs: 0, undead: false };

/** @param casesDir folder that holds nothing but the case directories */
export async function narrowTogether(
  jail: Jail,
  plan: NarrowPlan,
  casesDir: string,
  cases: { readonly count: number; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<Together> {
  if (plan.scoped || cases.count < 2) return NOT_TOGETHER;
  // So that no case is charged more than a quarter of its time for it.
  const timeoutMs = Math.min(TOGETHER_TIMEOUT_MS, cases.timeoutMs / 2);
  const startedAt = performance.now();
  const scanned = await runScans(jail, plan, casesDir, startedAt + timeoutMs, signal);
  const shareMs = Math.round((performance.now() - startedAt) / cases.count);
  if (scanned.ending) {
    // ast-grep refused the rule itself: so it would for every case.
    const refused = scanned.ending.outcome === 'exited' ? scanned : undefined;
    return { resultOf: () => refused, shareMs: 0, undead: scanned.undead ?? false };
  }
  const dealt = deal(scanned.matches);
  return { resultOf: (caseDir) => resultFrom(dealt.get(basename(caseDir)) ?? []), shareMs, undead: false };
}

function resultFrom(matches: readonly Match[]): Narrowed | undefined {
  return matches.length > MAX_MATCHES ? undefined : { matches };
}

/** By first folder, which is taken off the path; the order within a case stays. */
function deal(matches: readonly Match[]): Map<string, Match[]> {
  const dealt = new Map<string, Match[]>();
  for (const match of matches) {
    const cut = match.file.indexOf('/');
    const folder = match.file.slice(0, cut);
    const own = dealt.get(folder) ?? [];
    own.push({ ...match, file: match.file.slice(cut + 1) });
    dealt.set(folder, own);
  }
  return dealt;
}
