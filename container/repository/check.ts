/**
 * Runs one rule's check on a repository: a fresh room, the repository read-only, no network, nothing of
 * our environment. The matches go in as a stream from the rule's spool; what comes out is hostile input and
 * is read like a case's, with caps that fit a repository.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { checkSpec, toResult } from '../check.ts';
import type { FindingCaps } from '../findings.ts';
import { type Jail, ROOM } from '../jail/jail.ts';
import { MAX_CONSOLE_BYTES, MAX_OUTPUT_BYTES } from '../limits.ts';
import { runUndisturbed } from '../undisturbed.ts';
import type { Checked } from '../verify.ts';
import { type Egress, openEgress, type Reach } from './egress.ts';
import {
  CHECK_HEAP_IN_REPOSITORY_MIB,
  checkRoom,
  MAX_REPOSITORY_PATH_BYTES,
  MAX_RULE_FINDINGS,
  MAX_RULE_FINDINGS_CHARS,
  MAX_RULE_RESULT_BYTES,
} from './limits.ts';
import type { Spool } from './spool.ts';

export interface RepositoryCheck {
  readonly jail: Jail;
  readonly projectDir: string;
  /** Host directory that holds the stripped check, and nothing else. */
  readonly checkDir: string;
  readonly spool: Spool;
  /** Each `host:port` that it may reach; empty, and nothing of this is there. */
  readonly endpoints: readonly string[];
  /** For tests. */
  readonly reach?: Reach;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Known to `room/egress.cjs`. */
const EGRESS_SOCKET = 'egress.sock';

export const RULE_FINDINGS: FindingCaps = {
  count: MAX_RULE_FINDINGS,
  chars: MAX_RULE_FINDINGS_CHARS,
  pathProblem: repositoryPathProblem,
};

export interface RepositoryChecked extends Checked {
  /** Connections that it tried and was refused. */
  readonly refused: readonly string[];
}

export async function runRepositoryCheck(input: RepositoryCheck): Promise<RepositoryChecked> {
  if (input.endpoints.length === 0) return { ...(await runInRoom(input)), refused: [] };
  const secret = randomBytes(24).toString('base64url');
  const egress = await openEgressFor(input, secret);
  try {
    const checked = await runInRoom(input, secret);
    return { ...checked, refused: egress.refused() };
  } finally {
    egress.close();
  }
}

/** Beside the check, in the one directory that this room sees and no other. */
function openEgressFor(
  { checkDir, jail, endpoints, reach }: RepositoryCheck,
  secret: string,
): Promise<Egress> {
  return openEgress({
    socketPath: join(checkDir, EGRESS_SOCKET),
    openToOthers: jail.ownUid,
    secret,
    endpoints,
    ...(reach === undefined ? {} : { reach }),
  });
}

async function runInRoom(input: RepositoryCheck, egress?: string): Promise<Checked> {
  const token = randomBytes(24).toString('base64url');
  const size = {
    limits: checkRoom(input.timeoutMs),
    heapMib: CHECK_HEAP_IN_REPOSITORY_MIB,
    findings: RULE_FINDINGS,
    mayConnect: egress !== undefined,
  };
  const spec = checkSpec({ caseDir: input.projectDir, checkDir: input.checkDir }, size);
  const exit = await runUndisturbed(input.jail, spec, {
    stdin: () => taskText({ token, egress }, input.spool),
    timeoutMs: input.timeoutMs,
    signal: input.signal,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    keepBytes: MAX_CONSOLE_BYTES,
    maxResultBytes: MAX_RULE_RESULT_BYTES,
  });
  return toResult(exit, token, RULE_FINDINGS);
}

/** One more finding than is read is asked for, so that too many are seen to be too many. */
async function* taskText(
  secrets: { readonly token: string; readonly egress: string | undefined },
  spool: Spool,
): AsyncGenerator<Uint8Array> {
  const head = JSON.stringify({ ...secrets, root: ROOM.case, mostFindings: MAX_RULE_FINDINGS + 1 });
  yield Buffer.from(`${head.slice(0, -1)},"matches":[`);
  yield* spool.read();
  yield Buffer.from(']}');
}

/** Any name that a file of the repository can have; never one that leads out of it. */
export function repositoryPathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (Buffer.byteLength(path) > MAX_REPOSITORY_PATH_BYTES) {
    return `is longer than ${MAX_REPOSITORY_PATH_BYTES} bytes`;
  }
  if (!path.isWellFormed()) return 'is not well-formed Unicode';
  if (path.includes('\0')) return 'has a null character';
  if (path.startsWith('/')) return 'is absolute';
  const segments = path.split('/');
  if (segments.includes('')) return 'has an empty segment';
  return segments.some((segment) => segment === '.' || segment === '..')
    ? 'has a "." or ".." segment'
    : undefined;
}
