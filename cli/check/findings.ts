/**
 * Collects what the rules report, and keeps no more than can be shown: the more serious first, then by
 * place. Everything is counted.
 */
import type { Finding, Severity } from '../../container/protocol.ts';
import { compareFindings, compareSeverity, type FoundFinding } from './report.ts';

export class Findings {
  readonly #most: number;
  /** Files whose findings count; undefined: all. */
  readonly #only: ReadonlySet<string> | undefined;
  #kept: FoundFinding[] = [];
  readonly counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 };

  constructor(most: number, only: ReadonlySet<string> | undefined) {
    this.#most = most;
    this.#only = only;
  }

  /** @returns how many of them count */
  add(rule: string, found: readonly Finding[]): number {
    let count = 0;
    for (const finding of found) {
      if (this.#only?.has(finding.file) === false) continue;
      // As in the Taskless CLI.
      const severity = finding.severity ?? 'warning';
      this.counts[severity] += 1;
      count += 1;
      this.#kept.push({ ...finding, rule, severity });
    }
    if (this.#kept.length > this.#most) {
      this.#kept.sort((a, b) => compareSeverity(a.severity, b.severity) || compareFindings(a, b));
      this.#kept = this.#kept.slice(0, this.#most);
    }
    return count;
  }

  /** By place. */
  shown(): FoundFinding[] {
    return this.#kept.toSorted(compareFindings);
  }

  get truncated(): boolean {
    return this.counts.error + this.counts.warning + this.counts.info > this.#kept.length;
  }
}
