/**
 * The one Durable Object that writes the log, so that there is one order. It alone uses the log's key; its
 * record is its own SQLite, what it publishes is in R2. Reading the log does not go through it.
 */
// biome-ignore lint/style/noRestrictedImports: a Durable Object has to extend the platform's class
import { DurableObject } from 'cloudflare:workers';
import { Fault } from '../../errors.ts';
import { Ledger } from './ledger.ts';
import { Sequencer } from './sequencer.ts';
import { checkLogSettings, type LogSettings } from './settings.ts';

/** There is one log; all callers have to name it alike. */
export const LOG_NAME = 'log';

interface LogBindings extends LogSettings {
  readonly BUCKET: R2Bucket;
}

export class TransparencyLog extends DurableObject<LogBindings> {
  #sequencer: Promise<Sequencer> | null = null;

  /** The bundle's proof, once it is in the published tree. @throws Fault LOG_UNAVAILABLE | LOG_INCONSISTENT */
  async append(bundleSha256: string): Promise<string> {
    return (await this.#open()).append(bundleSha256);
  }

  /** The published checkpoint; an empty log publishes its first. */
  async checkpoint(): Promise<string> {
    return (await this.#open()).checkpoint();
  }

  #open(): Promise<Sequencer> {
    this.#sequencer ??= this.#make();
    return this.#sequencer;
  }

  async #make(): Promise<Sequencer> {
    const { signer, problems } = await checkLogSettings(this.env);
    if (signer === null) throw new Fault('CONFIG_INVALID', problems.join('; ') || 'there is no log here');
    return new Sequencer(new Ledger(this.ctx.storage), this.env.BUCKET, signer);
  }
}
