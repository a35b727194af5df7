/**
 * A verification host that is started again, at the same address and with the same token, whenever it
 * ends unasked. Whoever was waiting for its answer sees a broken connection and tries again.
 */
import { setTimeout as wait } from 'node:timers/promises';
import {
  type HostProgram,
  type LocalHost,
  startVerificationHost,
  type VerificationHost,
} from '../cli/verification-host.ts';

/** So that a host that cannot live does not spin. */
const RESTART_DELAY_MS = 200;
const MOST_DELAY_MS = 10_000;

export async function superviseHost(
  program: HostProgram,
  onRestart: (why: string) => void,
): Promise<VerificationHost> {
  let host = await startVerificationHost(program);
  const { url, token, buildId } = host;
  const same: HostProgram = { ...program, token, port: Number(new URL(url).port) };
  let stopping = false;
  let restarting: Promise<void> | null = null;

  const restart = async (): Promise<void> => {
    for (let delayMs = RESTART_DELAY_MS; !stopping; delayMs = Math.min(delayMs * 2, MOST_DELAY_MS)) {
      await wait(delayMs);
      if (stopping) return;
      try {
        host = await startVerificationHost(same);
        onRestart('ended unasked and was started again');
        watch(host);
        return;
      } catch (error) {
        onRestart(`could not be started again: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  const watch = (one: LocalHost): void => {
    void one.exited.then(() => {
      if (!stopping) restarting = restart();
    });
  };
  watch(host);

  return {
    url,
    token,
    buildId,
    async stop() {
      stopping = true;
      await restarting;
      await host.stop();
    },
  };
}
