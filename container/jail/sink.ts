/** Keeps the first `limit` bytes of a stream. */
export class Sink {
  readonly #chunks: Buffer[] = [];
  #room: number;

  constructor(limit: number) {
    this.#room = limit;
  }

  /** False when the chunk did not fit whole. */
  add(chunk: Buffer): boolean {
    const part = chunk.length > this.#room ? chunk.subarray(0, this.#room) : chunk;
    if (part.length > 0) this.#chunks.push(part);
    this.#room -= part.length;
    return part.length === chunk.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
