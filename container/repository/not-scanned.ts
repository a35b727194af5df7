/**
 * What ast-grep says of files it did not scan. It says so in passing, and only when asked to: a file that
 * nobody could read would otherwise pass for a clean one.
 */
import { cleanText } from '../text.ts';
import { MAX_NAMED_FILES } from './limits.ts';

/** `unreadable` means that there is no answer for them; the others are what ast-grep leaves out by design. */
export type SkipReason = 'unreadable' | 'not_utf8' | 'too_large';

export interface NotScanned {
  readonly reason: SkipReason;
  readonly count: number;
  /** The first few, cleaned. */
  readonly files: readonly string[];
}

const ENTITY = /^sg: entity\|file\|(.*): skipped=(\w+)$/s;
const TROUBLE = /^ERROR: (.*): .*$/s;
/** A file with nothing in it has nothing to find. */
const REASONS: Readonly<Record<string, SkipReason | null>> = {
  emptyFile: null,
  invalidUtf8: 'not_utf8',
  fileTooLarge: 'too_large',
};

/** Kept of the names, so that a second scan of the same files counts none of them twice. */
const MAX_KEPT_NAMES = 10_000;

export class SkippedFiles {
  readonly #found = new Map<SkipReason, Set<string>>();
  #scanned = 0;

  /** Files in which something was looked for. */
  get scanned(): number {
    return this.#scanned;
  }

  /** @returns whether the line was of this kind */
  add(line: string): boolean {
    const count = /^sg: summary\|file: scannedFileCount=(\d+)/.exec(line)?.[1];
    if (count !== undefined) this.#scanned = Math.max(this.#scanned, Number(count));
    const [, file, why] = ENTITY.exec(line) ?? [];
    if (file !== undefined && why !== undefined) {
      const reason = Object.hasOwn(REASONS, why) ? REASONS[why] : 'unreadable';
      if (reason) this.#add(reason, file);
      return true;
    }
    const [, place] = TROUBLE.exec(line) ?? [];
    if (place !== undefined) this.#add('unreadable', place);
    return place !== undefined || line.startsWith('sg: ');
  }

  #add(reason: SkipReason, file: string): void {
    const names = this.#found.get(reason) ?? new Set();
    if (names.size < MAX_KEPT_NAMES) names.add(cleanText(file.replace(/^\.\//, ''), 400));
    this.#found.set(reason, names);
  }

  list(): NotScanned[] {
    return [...this.#found].map(([reason, names]) => ({
      reason,
      count: names.size,
      files: [...names].slice(0, MAX_NAMED_FILES),
    }));
  }
}
