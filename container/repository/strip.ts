/**
 * Takes the types out of many checks in one room: starting the parser is what takes the time. Nothing of a
 * check is executed there. A parser that one source broke may answer every later one with an error, so
 * whatever did not come back as plain code is stripped again by itself, in a room of its own.
 */
import { randomBytes } from 'node:crypto';
import { STRIP_PIPES, type Stripped, stripSpec, stripTypes } from '../check.ts';
import type { Jail } from '../jail/jail.ts';
import { STRIP_TIMEOUT_MS } from '../limits.ts';
import { abnormalEnding } from '../outcome.ts';
import { writeTree } from '../temp.ts';
import { runUndisturbed } from '../undisturbed.ts';
import { MAX_STRIPPED_TOGETHER } from './limits.ts';

/** In the order of the sources. */
export async function stripAll(
  jail: Jail,
  hostDir: string,
  sources: readonly string[],
  signal: AbortSignal,
): Promise<Stripped[]> {
  const stripped: Stripped[] = [];
  const emptyDir = writeTree(hostDir, {});
  for (let from = 0; from < sources.length; from += MAX_STRIPPED_TOGETHER) {
    const some = sources.slice(from, from + MAX_STRIPPED_TOGETHER);
    const together = await stripTogether(jail, emptyDir, some, signal);
    for (const [index, source] of some.entries()) {
      const code = together[index];
      stripped.push(code === undefined ? await stripTypes(jail, source, emptyDir, signal) : { code });
    }
  }
  return stripped;
}

async function stripTogether(
  jail: Jail,
  dir: string,
  sources: readonly string[],
  signal: AbortSignal,
): Promise<readonly (string | undefined)[]> {
  const token = randomBytes(24).toString('base64url');
  const exit = await runUndisturbed(jail, stripSpec(dir, dir), {
    ...STRIP_PIPES,
    stdin: JSON.stringify({ token, sources }),
    timeoutMs: STRIP_TIMEOUT_MS,
    signal,
  });
  if (abnormalEnding(exit) || exit.code !== 0 || !exit.result.startsWith(`${token} `)) return [];
  try {
    const answers = JSON.parse(exit.result.slice(token.length + 1)) as readonly { code?: unknown }[];
    return answers.map((answer) => (typeof answer?.code === 'string' ? answer.code : undefined));
  } catch {
    return [];
  }
}
