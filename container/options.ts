/** Command line and environment of the host. The token is read once and removed from the environment. */
import { totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { JAIL_CHOICES, type JailChoice } from './jail/detect.ts';
import { MAX_READY_ROOMS, MEMORY_PER_READY_ROOM_BYTES } from './limits.ts';

export interface HostOptions {
  readonly port: number;
  readonly bind: string;
  readonly astGrep: string | undefined;
  readonly jail: JailChoice;
  readonly exitWithStdin: boolean;
  readonly readyRooms: number;
  readonly token: string | undefined;
  /** `--jail auto` may end up with the degraded room, whose answers are never accepted. */
  readonly degradedAllowed: boolean;
}

export const USAGE = `usage: main.ts [--port N] [--bind ADDRESS] [--ast-grep PATH] [--jail ${JAIL_CHOICES.join('|')}] [--exit-with-stdin] [--ready-rooms N]
environment: ASSAY_HOST_PORT, ASSAY_HOST_BIND, ASSAY_AST_GREP, ASSAY_HOST_TOKEN, ASSAY_DEGRADED_JAIL=1`;

/** What a control group allows, where there is one, else the machine's. */
function defaultReadyRooms(): number {
  const constrained = process.constrainedMemory();
  const memoryBytes = Math.min(totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY);
  return Math.min(MAX_READY_ROOMS, Math.floor(memoryBytes / MEMORY_PER_READY_ROOM_BYTES));
}

export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): HostOptions {
  const token = env.ASSAY_HOST_TOKEN;
  delete env.ASSAY_HOST_TOKEN;
  if (token !== undefined && token.length < 16)
    throw new Error('ASSAY_HOST_TOKEN is shorter than 16 characters');
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      bind: { type: 'string' },
      'ast-grep': { type: 'string' },
      jail: { type: 'string', default: 'auto' },
      'exit-with-stdin': { type: 'boolean', default: false },
      'ready-rooms': { type: 'string', default: String(defaultReadyRooms()) },
    },
  });
  const port = Number(values.port ?? env.ASSAY_HOST_PORT ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error('the port must be a number from 0 to 65535');
  const readyRooms = Number(values['ready-rooms']);
  if (!Number.isInteger(readyRooms) || readyRooms < 0 || readyRooms > 32)
    throw new Error('--ready-rooms must be a number from 0 to 32');
  const jail = JAIL_CHOICES.find((choice) => choice === values.jail);
  if (jail === undefined) throw new Error(`--jail must be one of ${JAIL_CHOICES.join(', ')}`);
  return {
    port,
    bind: values.bind ?? env.ASSAY_HOST_BIND ?? '127.0.0.1',
    astGrep: values['ast-grep'] ?? env.ASSAY_AST_GREP,
    jail,
    exitWithStdin: values['exit-with-stdin'],
    readyRooms,
    token,
    degradedAllowed: env.ASSAY_DEGRADED_JAIL === '1',
  };
}
