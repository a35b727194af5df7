/** Cuts a stream of bytes into lines, holding no more than one unfinished line. */

const NEWLINE = 10;

export class Lines {
  readonly #maxBytes: number;
  readonly #take: (line: Buffer) => void;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** @param take called with each line, without its end; the bytes are only valid during the call */
  constructor(maxBytes: number, take: (line: Buffer) => void) {
    this.#maxBytes = maxBytes;
    this.#take = take;
  }

  /** False when a line is longer than allowed; nothing is to be added after that. */
  add(chunk: Buffer): boolean {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end);
      if (this.#pendingBytes + rest.length > this.#maxBytes) return false;
      this.#take(this.#pendingBytes === 0 ? rest : Buffer.concat([...this.#pending, rest]));
      this.#pending = [];
      this.#pendingBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      // Chunks are fresh buffers: a part of one may be kept without a copy.
      this.#pending.push(chunk.subarray(from));
      this.#pendingBytes += chunk.length - from;
    }
    return this.#pendingBytes <= this.#maxBytes;
  }
}
