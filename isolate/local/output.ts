/**
 * Output of a workerd process: the check's lines kept up to a bound, workerd's own remarks set apart, and
 * every byte counted, whoever wrote it. workerd remarks on its standard error only. A check can print there
 * what looks like a remark; it then loses that line, or all that follows what looks like last words.
 */
import { Sink } from '../../container/jail/sink.ts';

const REMARK =
  /^(?:workerd\/[\w./+-]+:\d+: (?:\w+: )?.*|\d+ external\/tcmalloc.*|service check: .*|kj\/[\w./+-]+:\d+: .*|stack: \/\S*workerd@[0-9a-f]+.*|Received a connect event but we lack a handler\..*)$/;
const LAST_WORDS =
  /^(?:\*\*\* Received signal #\d|<--- Last few GCs --->|Unable to allocate \d+ \(new failed\))/;
/** A line longer than this is passed on in pieces. */
const MAX_LINE_BYTES = 16 * 1024;
const MAX_REMARKS_CHARS = 8 * 1024;
const NEWLINE = 10;

export class Output {
  readonly #kept: Sink;
  readonly #maxBytes: number;
  #written = 0;
  #remarks = '';
  /** After a crash everything that follows on its stream is workerd's: registers, a stack, statistics. */
  #dying = false;

  constructor(keepBytes: number, maxBytes: number) {
    this.#kept = new Sink(keepBytes);
    this.#maxBytes = maxBytes;
  }

  /** More than a check may write. */
  get isTooMuch(): boolean {
    return this.#written > this.#maxBytes;
  }

  get text(): string {
    return this.#kept.text();
  }

  /** What workerd said itself, the beginning and the end of it. */
  get remarks(): string {
    return this.#remarks;
  }

  /**
   * A reader for one stream; call it without a chunk at the end.
   * @param hasRemarks whether workerd itself writes to it
   */
  stream(hasRemarks: boolean): (chunk?: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
      this.#written += chunk?.length ?? 0;
      if (!hasRemarks) {
        if (chunk !== undefined) this.#kept.add(chunk);
        return;
      }
      rest = chunk === undefined ? rest : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE, from)) {
        this.#line(rest.subarray(from, at + 1));
        from = at + 1;
      }
      rest = rest.subarray(from);
      if (rest.length > MAX_LINE_BYTES || (chunk === undefined && rest.length > 0)) {
        this.#line(rest);
        rest = Buffer.alloc(0);
      }
    };
  }

  #line(line: Buffer): void {
    const text = line.length > MAX_LINE_BYTES ? '' : line.toString('utf8').trimEnd();
    if (REMARK.test(text) || this.#dying) {
      this.#remark(text);
      return;
    }
    if (LAST_WORDS.test(text)) {
      this.#dying = true;
      this.#remark(text);
    } else {
      this.#kept.add(line);
    }
  }

  #remark(text: string): void {
    const all = `${this.#remarks}${text}\n`;
    // Both ends: the first words after a crash tell its cause, the last ones what it came to.
    const half = MAX_REMARKS_CHARS / 2;
    this.#remarks = all.length > half * 2 ? all.slice(0, half) + all.slice(-half) : all;
  }
}
