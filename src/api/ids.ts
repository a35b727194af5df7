/** Ids and tokens that the API makes. */
import { firstIdAt, timeOrderedId } from '../store/ids.ts';

const TOKEN_BYTES = 32;

export function newId(prefix: 'gen' | 'tok' | 'whs' | 'batch', nowMs: number): string {
  return timeOrderedId(prefix, nowMs);
}

/** The smallest id of a generation made at `nowMs` or later: times become ranges of the primary key. */
export function firstGenerationIdAt(nowMs: number): string {
  return firstIdAt('gen', nowMs);
}

/** 256 random bits. The prefix is for people and for scanners that look for leaked secrets. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  const text = btoa(String.fromCharCode(...bytes));
  return `assay_${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}
