/**
 * Ends this process when the bootstrap that started it is gone, even by kill -9: its end of our standard
 * input closes then. Started in another way, standard input is the user's and means nothing.
 */
import { Socket } from 'node:net';

export function endWithParent(): void {
  const { ASSAY_BOOTSTRAPPED: bootstrapped } = process.env;
  // Said to this process alone; the ones it starts have other parents.
  delete process.env.ASSAY_BOOTSTRAPPED;
  if (bootstrapped !== '1' || !(process.stdin instanceof Socket)) return;
  process.stdin.resume().once('end', () => process.kill(process.pid, 'SIGTERM'));
  process.stdin.unref();
}
