/**
 * Whose rules are trusted here, and on what evidence: `--trust`, `--key`, `--policy`, the same for every
 * command that decides about a rule. Nothing is trusted by default: without a trust root there is no answer.
 */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parse } from 'yaml';
import type { Trusted } from '../src/consumer/decide.ts';
import { messageOf } from '../src/errors.ts';
import { parsePublicKey } from '../src/signing/ed25519.ts';
import { DEFAULT_POLICY, type Policy, parsePolicy } from '../src/signing/policy.ts';
import { onlySigner, type Signers } from '../src/signing/signers.ts';
import { logKeyOf } from '../src/tlog/checkpoint.ts';
import { UsageError } from './exit.ts';
import { openTrustDirectory, trustDirectory } from './trust/directory.ts';

export interface TrustOptions {
  readonly trust?: string;
  readonly key?: string;
  readonly policy?: string;
}

export function withTrust(command: Command): Command {
  return command
    .option('--trust <dir>', 'trust root and revocations (default: ASSAY_TRUST, or ~/.config/assay/trust)')
    .option('--key <file>', 'trust this one public key (SPKI PEM) instead; knows no expiry and no revocation')
    .option('--policy <file>', 'what evidence is asked for (YAML or JSON)');
}

/**
 * @throws UsageError NO_TRUST_ROOT | TRUST_ROOT_… | REVOCATIONS_… (the reasons of docs/spec/trust.md in capitals) |
 * TRUST_AND_KEY | NO_KEY | BAD_KEY | NO_POLICY | BAD_POLICY, each with the next move
 */
export async function loadTrust(options: TrustOptions): Promise<Trusted> {
  const now = new Date().toISOString();
  const policy = options.policy === undefined ? DEFAULT_POLICY : await readPolicy(options.policy);
  if (options.key === undefined) {
    const { signers, root } = await openTrustDirectory(trustDirectory(options.trust), now);
    const log = root.log && (await logKeyOf(root.log));
    if (root.log !== null && log === null) {
      throw new UsageError('BAD_KEY', `the key of the log ${root.log.origin} is no Ed25519 key`);
    }
    return { signers, policy, log, now };
  }
  if (options.trust !== undefined) {
    throw new UsageError('TRUST_AND_KEY', 'a trust root and a single key exclude each other', 'drop --key');
  }
  return { signers: await readKey(options.key), policy, log: null, now };
}

async function readKey(file: string): Promise<Signers> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new UsageError('NO_KEY', `cannot read the key file ${file}`);
  const key = await parsePublicKey(text);
  if (key === null) throw new UsageError('BAD_KEY', `${file} is not an Ed25519 public key in SPKI PEM`);
  return onlySigner(key);
}

async function readPolicy(file: string): Promise<Policy> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new UsageError('NO_POLICY', `cannot read the policy file ${file}`);
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new UsageError('BAD_POLICY', `${file} is neither YAML nor JSON: ${messageOf(error)}`);
  }
  const policy = parsePolicy(value);
  if (policy.ok) return policy.value;
  const why = policy.problems.map((one) => one.message).join('; ');
  throw new UsageError('BAD_POLICY', `${file} is no policy: ${why}`, 'see docs/spec/policy.md');
}
