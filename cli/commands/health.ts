/** `assay health`: every part of the service, what is wrong with it, and what to do about it. Exit code 1: something is down. */
import colors from 'picocolors';
import type { HealthPart, HealthState } from '../../src/schema/health.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { plain, print, printJson } from '../output.ts';

const PAINT: Readonly<Record<HealthState, (text: string) => string>> = {
  ok: colors.green,
  degraded: colors.yellow,
  down: colors.red,
};

export async function health(options: ConnectionOptions & { readonly json?: boolean }): Promise<ExitCode> {
  const answer = await new ApiClient(findConnection(options)).health();
  if (options.json === true) printJson(answer);
  else {
    for (const part of answer.parts) for (const line of describe(part)) print(line);
    print(PAINT[answer.state](answer.state));
  }
  return answer.state === 'down' ? EXIT.no : EXIT.ok;
}

function describe({ part, state, message, next }: HealthPart): string[] {
  const line = `${PAINT[state](state.padEnd(8))}  ${plain(part)}: ${plain(message)}`;
  return next === null ? [line] : [line, `          → ${plain(next)}`];
}
