/**
 * R2: every byte the pipeline keeps. Objects are written once; a second write of the same key keeps the
 * first bytes, so a step that runs twice reads what it wrote before it was interrupted.
 */
import { Fault } from '../errors.ts';
import { sha256Hex } from '../rules/digest.ts';

/** What a step returns instead of the bytes. */
export interface ObjectRef {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface StoredObject {
  readonly ref: ObjectRef;
  readonly text: string;
}

/** Every key of an organisation in one place. Those of the log are in `src/tlog/service/objects.ts`. */
export const keys = {
  request: (org: string, generation: string) => `${base(org, generation)}/request.json`,
  /** The model's answer to which engine a request needs; only where it was asked. */
  classification: (org: string, generation: string) => `${base(org, generation)}/classification.json`,
  firstTurn: (org: string, generation: string) => `${base(org, generation)}/first-turn.txt`,
  reply: (org: string, generation: string, attempt: number) =>
    `${base(org, generation)}/attempts/${attempt}/reply.json`,
  rule: (org: string, generation: string, attempt: number) =>
    `${base(org, generation)}/attempts/${attempt}/rule.json`,
  feedback: (org: string, generation: string, attempt: number) =>
    `${base(org, generation)}/attempts/${attempt}/feedback.txt`,
  /** By sandbox: an attempt may have chunks of two, and of one that then turned out not to suit. */
  chunk: (org: string, generation: string, attempt: number, sandbox: string, chunk: number) =>
    `${base(org, generation)}/attempts/${attempt}/chunks/${sandbox}/${chunk}.json`,
  report: (org: string, generation: string, attempt: number) =>
    `${base(org, generation)}/attempts/${attempt}/report.json`,
  confirmation: (org: string, generation: string, attempt: number) =>
    `${base(org, generation)}/attempts/${attempt}/confirmation.json`,
  statement: (org: string, generation: string) => `${base(org, generation)}/statement.json`,
  bundle: (org: string, generation: string) => `${base(org, generation)}/rule.sigstore.json`,
  proof: (org: string, generation: string) => `${base(org, generation)}/rule.tlog-proof`,
  /** What the n-th provider batch of a batch asks, exactly. */
  firstTurns: (org: string, batch: string, n: number) => `orgs/${org}/batches/${batch}/first-turns/${n}.json`,
  /** Requests that a batch was made with, several to an object. */
  batchRequests: (org: string, batch: string, chunk: number) =>
    `orgs/${org}/batches/${batch}/requests/${chunk}.json`,
} as const;

function base(org: string, generation: string): string {
  return `orgs/${org}/generations/${generation}`;
}

/** Everything of an organisation is below this, and nothing else. */
export function orgPrefix(org: string): string {
  return `orgs/${org}/`;
}

/** Everything of a generation is below this, and nothing else. */
export function generationPrefix(org: string, generation: string): string {
  return `${base(org, generation)}/`;
}

export class ObjectStore {
  readonly #bucket: R2Bucket;
  readonly #pause: () => Promise<void>;

  /** @param pause awaited after each write, so that a step that makes several does not keep everybody waiting */
  constructor(bucket: R2Bucket, pause: () => Promise<void> = () => Promise.resolve()) {
    this.#bucket = bucket;
    this.#pause = pause;
  }

  /** Writes `text` unless the key exists; returns what is stored, which may be an earlier text. */
  async putOnce(key: string, text: string): Promise<StoredObject> {
    const written = await this.#bucket.put(key, text, { onlyIf: { etagDoesNotMatch: '*' } });
    await this.#pause();
    const kept = written === null ? await this.get(key) : text;
    if (kept === null) throw new Fault('STORE_CONFLICT', `object ${key} exists and cannot be read`);
    return { ref: await refOf(key, kept), text: kept };
  }

  /** Only for working papers that nobody reads again: what is evidence stays, or goes with its generation. */
  async remove(key: string): Promise<void> {
    await this.#bucket.delete(key);
  }

  /** What is stored under `key` with its reference, or `null`. */
  async find(key: string): Promise<StoredObject | null> {
    const text = await this.get(key);
    return text === null ? null : { ref: await refOf(key, text), text };
  }

  async get(key: string): Promise<string | null> {
    const object = await this.#bucket.get(key);
    return object === null ? null : await object.text();
  }

  /** @throws Fault STORE_MISSING when there is none, STORE_CONFLICT when its bytes are not the referenced ones */
  async read(ref: ObjectRef): Promise<string> {
    const text = await this.get(ref.key);
    if (text === null) throw new Fault('STORE_MISSING', `object ${ref.key} is missing`);
    if ((await sha256Hex(text)) !== ref.sha256)
      throw new Fault('STORE_CONFLICT', `object ${ref.key} changed`);
    return text;
  }
}

async function refOf(key: string, text: string): Promise<ObjectRef> {
  return { key, sha256: await sha256Hex(text), bytes: new TextEncoder().encode(text).byteLength };
}
