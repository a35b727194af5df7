/**
 * The private directory of one run, gone with its rooms however the run ends: normally, by an error, by a
 * signal. After `kill -9` the rooms die with the process, and the next run removes the directory.
 */
import { logTo } from '../../container/log.ts';
import { openPrivateDir } from '../../container/repository/workshop.ts';
import { fail } from '../output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function withPrivateDir<T>(work: (hostDir: string) => Promise<T>): Promise<T> {
  // What the host's parts log is for a service's operator.
  logTo(() => {});
  const dir = openPrivateDir();
  const close = (): void => dir.close();
  const die = (signal: NodeJS.Signals): void => {
    close();
    // By the signal itself, so that whoever sent it sees that it worked.
    process.off(signal, die);
    process.kill(process.pid, signal);
  };
  // Node's own status for this is 1, which would say that there are findings.
  const crash = (error: unknown): void => process.exit(fail(error, false));
  process.once('exit', close);
  process.once('uncaughtException', crash);
  for (const signal of SIGNALS) process.on(signal, die);
  try {
    return await work(dir.hostDir);
  } finally {
    close();
    process.off('exit', close);
    process.off('uncaughtException', crash);
    for (const signal of SIGNALS) process.off(signal, die);
  }
}
