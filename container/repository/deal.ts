/** Deals the matches of one scan out to the rules that asked for them, within what one rule may take. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Match } from '../protocol.ts';
import { MAX_RULE_MATCH_BYTES, MAX_SPOOL_BYTES } from './limits.ts';
import type { Scan, Target } from './plan.ts';
import type { RuleMatches } from './scan.ts';
import { FileNames, Spool } from './spool.ts';

interface Share {
  readonly spool: Spool;
  failure: string | undefined;
}

export class Deal<Rule> {
  readonly #scan: Scan<Rule>;
  readonly #shares = new Map<Rule, Share>();
  /** Files that a broad capture has matched in, by its id. */
  readonly #seen = new Map<string, Set<string>>();
  #bytes = 0;

  /** @param dir made here, for this deal alone */
  constructor(scan: Scan<Rule>, dir: string) {
    this.#scan = scan;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const files = new FileNames();
    for (const [number, rule] of scan.rules.entries()) {
      this.#shares.set(rule, { spool: new Spool(join(dir, String(number)), files), failure: undefined });
    }
  }

  /** A match of no capture is ast-grep's own remark about comments that suppress it: nobody asked. */
  add(match: Match): void {
    const capture = this.#scan.captures.get(match.ruleId);
    if (capture === undefined) return;
    if (!capture.broad) {
      for (const target of capture.targets) this.#give(target, match, false);
      return;
    }
    const seen = this.#seen.get(capture.id) ?? new Set();
    this.#seen.set(capture.id, seen);
    if (seen.has(match.file)) return;
    seen.add(match.file);
    const whole: Match = { ...match, line: 1, column: 1, text: '', captures: {} };
    for (const target of capture.targets) this.#give(target, whole, true);
  }

  #give({ rule, capture, placeOnly }: Target<Rule>, match: Match, broad: boolean): void {
    const share = this.#shares.get(rule);
    if (share === undefined || share.failure !== undefined) return;
    const before = share.spool.bytes;
    share.spool.add(placeOnly ? { ...match, text: '', captures: {} } : match, capture, broad);
    this.#bytes += share.spool.bytes - before;
    if (share.spool.bytes > MAX_RULE_MATCH_BYTES) {
      share.failure = `its captures match more than ${MAX_RULE_MATCH_BYTES / 1024 / 1024} MiB in this repository: ${share.spool.matches} matches and more`;
    } else if (this.#bytes > MAX_SPOOL_BYTES) {
      share.failure = `all rules together match more than ${MAX_SPOOL_BYTES / 1024 / 1024} MiB in this repository`;
    }
    if (share.failure === undefined) return;
    this.#bytes -= share.spool.bytes;
    share.spool.close();
  }

  results(): [Rule, RuleMatches][] {
    return [...this.#shares].map(([rule, { spool, failure }]) => [
      rule,
      failure === undefined ? { spool } : { failure },
    ]);
  }

  close(): void {
    for (const { spool } of this.#shares.values()) spool.close();
  }
}
