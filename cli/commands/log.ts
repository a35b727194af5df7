/**
 * `assay log verify|checkpoint|proof`: whether a log only grew between two checkpoints, what it says of itself
 * now, and whether a bundle is in it. Everything but fetching is done here; a log's word is taken for nothing
 * that its signature does not bind.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import colors from 'picocolors';
import { BUNDLE_FILE, PROOF_FILE } from '../../src/rules/layout.ts';
import { toBase64 } from '../../src/signing/base64.ts';
import { MAX_BUNDLE_BYTES } from '../../src/signing/verify.ts';
import { isUnreadableProof, MAX_PROOF_BYTES, verifyProof } from '../../src/tlog/proof.ts';
import { openTree, TileProblem } from '../../src/tlog/tile-reader.ts';
import { consistencyProof, type TreeHead, verifyConsistency } from '../../src/tlog/tree.ts';
import { readUpTo, writeNewFile } from '../atomic-file.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { type LogRefused, readCheckpoint } from '../log/checkpoint.ts';
import { type LogKeyOptions, loadLogKey } from '../log/key.ts';
import { findLog, tilesAt } from '../log/source.ts';
import { plain, print, printJson } from '../output.ts';

export interface LogOptions extends LogKeyOptions {
  readonly log?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `assay log verify OLD NEW` */
export async function verifyLog(older: string, newer: string, options: LogOptions): Promise<ExitCode> {
  const key = await loadLogKey(options);
  const [old, fresh] = [await readCheckpoint(older, key), await readCheckpoint(newer, key)];
  if (!old.ok) return refused(old, options);
  if (!fresh.ok) return refused(fresh, options);
  const problem = await growthProblem(old.head, fresh.head, () => findLog(options.log, newer));
  if (problem !== null) return refused(problem, options);
  const answer = { ok: true, origin: key.origin, oldSize: old.head.size, newSize: fresh.head.size };
  if (options.json === true) printJson(answer);
  else {
    const grew = answer.oldSize === answer.newSize ? `is the same at ${answer.newSize}` : 'only grew';
    const sizes = answer.oldSize === answer.newSize ? '' : `, from ${answer.oldSize} to ${answer.newSize}`;
    print(`${colors.green('consistent')} ${plain(key.origin)} ${grew}${sizes} entries`);
  }
  return EXIT.ok;
}

/** `null` when the newer tree begins with the older one. */
async function growthProblem(
  older: TreeHead,
  newer: TreeHead,
  where: () => Promise<string>,
): Promise<LogRefused | null> {
  if (older.size > newer.size) {
    const message = `the newer checkpoint has ${newer.size} entries, the older one ${older.size}: a log never shrinks (or were they given the wrong way round?)`;
    return { ok: false, reason: 'log_shrank', message };
  }
  const proof = older.size === 0 || older.size === newer.size ? [] : await proveGrowth(older, newer, where);
  if (await verifyConsistency(older, newer, proof)) return null;
  const message = `the first ${older.size} entries are not those that the older checkpoint signed: this log has two histories`;
  return { ok: false, reason: 'log_forked', message };
}

/** Made from hashes that are bound to the newer root, so that a proof that fails convicts the log, not the server. */
async function proveGrowth(
  older: TreeHead,
  newer: TreeHead,
  where: () => Promise<string>,
): Promise<Uint8Array[]> {
  const log = await where();
  try {
    const read = await openTree(newer, tilesAt(log));
    return await consistencyProof(older.size, newer.size, read);
  } catch (error) {
    if (!(error instanceof TileProblem)) throw error;
    const hint = 'is it the log of these checkpoints? try again, or another --log';
    throw new UsageError(error.reason.toUpperCase(), `${log}: ${error.message}`, hint);
  }
}

/** `assay log checkpoint` */
export async function showCheckpoint(options: LogOptions): Promise<ExitCode> {
  const key = await loadLogKey(options);
  const log = await findLog(options.log);
  const checkpoint = await readCheckpoint(`${log}/checkpoint`, key);
  if (!checkpoint.ok) return refused(checkpoint, options);
  const { head, bytes } = checkpoint;
  if (options.out !== undefined) await writeNewFile(options.out, bytes);
  const root = toBase64(head.root);
  if (options.json === true) {
    printJson({ ok: true, origin: key.origin, size: head.size, root, note: new TextDecoder().decode(bytes) });
  } else if (options.out !== undefined) print(options.out);
  else print(`${colors.green('signed')} ${plain(key.origin)}: ${head.size} entries, root ${root}`);
  return EXIT.ok;
}

/** `assay log proof DIR` */
export async function checkProof(directory: string, options: LogOptions): Promise<ExitCode> {
  const bundle = await readUpTo(join(directory, BUNDLE_FILE), MAX_BUNDLE_BYTES);
  if (bundle === null) {
    throw new UsageError('NOT_SIGNED', `${join(directory, BUNDLE_FILE)} is missing: this rule is not signed`);
  }
  const proof = await readUpTo(join(directory, PROOF_FILE), MAX_PROOF_BYTES);
  if (proof === null) {
    const hint = 'fetch it with the rule, or from <log>/proof/<SHA-256 of the bundle>';
    throw new UsageError(
      'NO_PROOF',
      `${join(directory, PROOF_FILE)} is missing: nothing shows that it is logged`,
      hint,
    );
  }
  const key = await loadLogKey(options);
  const bundleSha256 = createHash('sha256').update(bundle).digest('hex');
  const answer = await verifyProof(proof, bundleSha256, key);
  if (!answer.ok) {
    refused(answer, options);
    return isUnreadableProof(answer.reason) ? EXIT.unknown : EXIT.no;
  }
  const { index, size } = answer;
  if (options.json === true) printJson({ ok: true, origin: key.origin, bundleSha256, index, size });
  else
    print(`${colors.green('logged')} ${plain(directory)}: entry ${index} of ${size} in ${plain(key.origin)}`);
  return EXIT.ok;
}

function refused(
  { reason, message }: { readonly reason: string; readonly message: string },
  options: LogOptions,
): ExitCode {
  if (options.json === true) printJson({ ok: false, reason, message });
  else print(`${colors.red('refused')} ${plain(message)} (${reason})`);
  return EXIT.no;
}
