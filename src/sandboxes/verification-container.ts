/**
 * The Durable Object that owns one container of the verification image. Network policy lives here:
 * no internet, no handler, no allow-list, so nothing can be reached from outside the room either.
 * One container per object, and never another: once destroyed it does not start again.
 */
import { Sandbox } from '@cloudflare/sandbox';
import { SLEEP_AFTER_SECONDS } from './container-deadlines.ts';

/** Our server's port; the SDK's own control server is not in the image. */
export const CONTAINER_PORT = 8080;

export class VerificationContainer extends Sandbox {
  override defaultPort = CONTAINER_PORT;
  override enableInternet = false;
  /** A backstop only: every call destroys its container itself. */
  override sleepAfter = SLEEP_AFTER_SECONDS;
  #ended = false;

  /**
   * The SDK starts a container for whatever is fetched, its own late retries included: one that comes after
   * the end would start another, which nobody would destroy.
   */
  override async containerFetch(
    ...args: Parameters<Sandbox['containerFetch']>
  ): ReturnType<Sandbox['containerFetch']> {
    if (this.#ended) return new Response('the container was destroyed', { status: 503 });
    try {
      return await super.containerFetch(...args);
    } finally {
      if (this.#ended) await super.destroy();
    }
  }

  override async destroy(): Promise<void> {
    this.#ended = true;
    await super.destroy();
  }
}
