/**
 * Ends this process when the bootstrap that started it is gone, even by kill -9: its end of our standard
 * input closes then. Started by hand, standard input is the user's and means nothing.
 */
export function endWithParent(): void {
  if (process.env.ASSAY_BOOTSTRAPPED !== '1') return;
  process.stdin.resume().once('end', () => process.kill(process.pid, 'SIGTERM'));
  process.stdin.unref();
}
