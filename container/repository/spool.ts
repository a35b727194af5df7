/**
 * One rule's matches on their way from ast-grep to the check: written to a file of its own, in the form in
 * which the check's runner reads them. Held in memory is where each file's matches lie, never a match.
 *
 * ast-grep gives files in any order; a check gets them by path, the captures of one file by name, and what
 * broad captures found after all others, so that the same repository gives the same task.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import type { Match } from '../protocol.ts';

/** Written at a time; for each rule, so small. */
const WRITE_BYTES = 32 * 1024;
/** UTF-8 of one UTF-16 unit at most. */
const MAX_BYTES_PER_UNIT = 3;
const READ_BYTES = 256 * 1024;

/** File names by number, one for all spools of a scan: each name is held once. */
export class FileNames {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  nameOf(number: number): string {
    return this.#names[number] ?? '';
  }
}

/** A run of matches of one capture in one file. */
interface Segment {
  readonly file: string;
  readonly capture: number;
  readonly broad: boolean;
  readonly from: number;
  readonly to: number;
}

/** Numbers for each segment: file, capture (negative when it is a broad one), begin, end. */
const FIELDS = 4;

export class Spool {
  readonly #path: string;
  readonly #files: FileNames;
  readonly #segments: number[] = [];
  #fd: number | undefined;
  #waiting: Buffer | undefined;
  #waitingBytes = 0;
  #bytes = 0;
  #matches = 0;

  constructor(path: string, files: FileNames) {
    this.#path = path;
    this.#files = files;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get matches(): number {
    return this.#matches;
  }

  /** @param capture its place among the rule's captures by file name */
  add(match: Match, capture: number, broad: boolean): void {
    // The comma first: whoever reads the first one leaves it out.
    const bytes = this.#write(`,${JSON.stringify(match)}`);
    const file = this.#files.numberOf(match.file);
    const kind = broad ? -1 - capture : capture;
    const last = this.#segments.length - FIELDS;
    const goesOn = this.#segments[last] === file && this.#segments[last + 1] === kind;
    if (goesOn) this.#segments[last + 3] = this.#bytes + bytes;
    else this.#segments.push(file, kind, this.#bytes, this.#bytes + bytes);
    this.#bytes += bytes;
    this.#matches += 1;
  }

  /** @returns its length in bytes */
  #write(text: string): number {
    const most = text.length * MAX_BYTES_PER_UNIT;
    if (this.#waitingBytes + most > WRITE_BYTES) this.#flush();
    if (most > WRITE_BYTES) return this.#writeOut(Buffer.from(text));
    this.#waiting ??= Buffer.allocUnsafe(WRITE_BYTES);
    const bytes = this.#waiting.write(text, this.#waitingBytes);
    this.#waitingBytes += bytes;
    return bytes;
  }

  #flush(): void {
    if (this.#waiting !== undefined) this.#writeOut(this.#waiting.subarray(0, this.#waitingBytes));
    this.#waitingBytes = 0;
  }

  #writeOut(bytes: Buffer): number {
    this.#fd ??= openSync(this.#path, 'wx+', 0o600);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    return bytes.length;
  }

  /** The matches as JSON text without the brackets; may be asked for again. */
  async *read(): AsyncGenerator<Uint8Array> {
    this.#flush();
    const fd = this.#fd;
    if (fd === undefined) return;
    let buffer = Buffer.allocUnsafe(READ_BYTES);
    let filled = 0;
    let isFirst = true;
    for (const { from, to } of this.#ordered()) {
      // The comma before the very first match.
      let at = isFirst ? from + 1 : from;
      isFirst = false;
      while (at < to) {
        const read = readSync(fd, buffer, filled, Math.min(to - at, READ_BYTES - filled), at);
        if (read === 0) throw new Error('the matches were cut short');
        at += read;
        filled += read;
        if (filled < READ_BYTES) continue;
        yield buffer;
        // The reader may still hold the other one.
        buffer = Buffer.allocUnsafe(READ_BYTES);
        filled = 0;
      }
    }
    yield buffer.subarray(0, filled);
  }

  #ordered(): readonly Segment[] {
    return Array.from({ length: this.#segments.length / FIELDS }, (_, at) => this.#segment(at * FIELDS)).sort(
      (a, b) =>
        Number(a.broad) - Number(b.broad) ||
        (a.broad ? a.capture - b.capture : 0) ||
        (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
        a.capture - b.capture ||
        a.from - b.from,
    );
  }

  #segment(at: number): Segment {
    const [file = 0, kind = 0, from = 0, to = 0] = this.#segments.slice(at, at + FIELDS);
    const broad = kind < 0;
    return { file: this.#files.nameOf(file), capture: broad ? -1 - kind : kind, broad, from, to };
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    unlinkSync(this.#path);
    this.#fd = undefined;
  }
}
