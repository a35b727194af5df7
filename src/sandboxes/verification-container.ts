/**
 * The Durable Object that owns one container of the verification image. Network policy lives here:
 * no internet, no handler, no allow-list, so nothing can be reached from outside the room either.
 */
import { Sandbox } from '@cloudflare/sandbox';

/** Our server's port; the SDK's own control server is not in the image. */
export const CONTAINER_PORT = 8080;

export class VerificationContainer extends Sandbox {
  override defaultPort = CONTAINER_PORT;
  override enableInternet = false;
  /** A backstop only: every call destroys its container itself. Longer than the step's timeout. */
  override sleepAfter = '4m';
}
