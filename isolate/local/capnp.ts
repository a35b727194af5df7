/**
 * Writes a Cap'n Proto message of one segment: as much of the encoding as a configuration of workerd
 * needs, and nothing that reads. A message is built from values; positions are worked out here.
 */

export type Value = Text | Data | Structure | Structures | Texts | undefined;
interface Text {
  readonly text: string;
}
interface Data {
  readonly data: Uint8Array;
}
export interface Structure {
  /** Words of plain data; only the first 16 bits are ever set: the discriminant of a union. */
  readonly words: number;
  readonly which?: number;
  readonly pointers: readonly Value[];
}
interface Structures {
  readonly list: readonly Structure[];
}
interface Texts {
  readonly texts: readonly string[];
}

const WORD = 8;
/** Sizes of list elements, as pointers name them. */
const BYTES = 2;
const POINTERS = 6;
const COMPOSITE = 7;

export function encodeMessage(root: Structure): Uint8Array {
  const segment = new Segment();
  segment.put(segment.take(1), root);
  return segment.message();
}

class Segment {
  #buffer = Buffer.alloc(64 * 1024);
  #words = 0;

  /** Zeroed words at the end; the index of the first. */
  take(words: number): number {
    const at = this.#words;
    this.#words += words;
    if (this.#words * WORD > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#words * WORD));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    return at;
  }

  put(pointer: number, value: Value): void {
    if (value === undefined) return;
    if ('text' in value) this.#bytes(pointer, Buffer.from(`${value.text}\0`));
    else if ('data' in value) this.#bytes(pointer, value.data);
    else if ('texts' in value) this.#texts(pointer, value.texts);
    else if ('list' in value) this.#structures(pointer, value.list);
    else {
      const at = this.take(value.words + value.pointers.length);
      this.#point(pointer, 0, at, value.words + value.pointers.length * 0x10000);
      this.#fill(at, value);
    }
  }

  message(): Uint8Array {
    const head = Buffer.alloc(WORD);
    head.writeUInt32LE(this.#words, 4);
    return Buffer.concat([head, this.#buffer.subarray(0, this.#words * WORD)]);
  }

  #fill(at: number, { words, which, pointers }: Structure): void {
    if (which !== undefined) this.#buffer.writeUInt16LE(which, at * WORD);
    for (const [index, value] of pointers.entries()) this.put(at + words + index, value);
  }

  #bytes(pointer: number, bytes: Uint8Array): void {
    const at = this.take(Math.ceil(bytes.length / WORD));
    this.#buffer.set(bytes, at * WORD);
    this.#point(pointer, 1, at, bytes.length * 8 + BYTES);
  }

  #texts(pointer: number, texts: readonly string[]): void {
    const at = this.take(texts.length);
    this.#point(pointer, 1, at, texts.length * 8 + POINTERS);
    for (const [index, text] of texts.entries()) this.put(at + index, { text });
  }

  /** Elements lie side by side behind a word that tells their number and size. */
  #structures(pointer: number, list: readonly Structure[]): void {
    const words = Math.max(0, ...list.map((one) => one.words));
    const pointers = Math.max(0, ...list.map((one) => one.pointers.length));
    const size = words + pointers;
    const at = this.take(1 + list.length * size);
    this.#point(pointer, 1, at, list.length * size * 8 + COMPOSITE);
    this.#buffer.writeUInt32LE(list.length * 4, at * WORD);
    this.#buffer.writeUInt32LE(words + pointers * 0x10000, at * WORD + 4);
    for (const [index, one] of list.entries()) this.#fill(at + 1 + index * size, { ...one, words });
  }

  /** A pointer counts words from its own end to its target. */
  #point(pointer: number, kind: 0 | 1, target: number, upper: number): void {
    this.#buffer.writeInt32LE((target - pointer - 1) * 4 + kind, pointer * WORD);
    this.#buffer.writeUInt32LE(upper >>> 0, pointer * WORD + 4);
  }
}
