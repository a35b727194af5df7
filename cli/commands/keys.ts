/**
 * `assay keys init|list|rotate|renew|revoke|refresh`: the operator's side. Prints what was issued, what still
 * lacks signatures, and the next command. Key bytes are never printed.
 */
import { join } from 'node:path';
import colors from 'picocolors';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import {
  adopted,
  bundleDigest,
  type LogOptions,
  named,
  parseReason,
  privateName,
  readLog,
  signerId,
} from '../keys/arguments.ts';
import type { Issued } from '../keys/issue.ts';
import { issueRevocations } from '../keys/issue.ts';
import { type KeyDirectory, openKeyDirectory, pendingFiles } from '../keys/key-directory.ts';
import { initKeys, revoke, rotateKey } from '../keys/operations.ts';
import { renewRoot } from '../keys/renew.ts';
import { print, printJson } from '../output.ts';
import { describe, describeJson } from '../trust/describe.ts';

const HOUR_MS = 3_600_000;

export interface KeysOptions {
  readonly dir: string;
  readonly json?: boolean;
}

export interface InitCommandOptions extends KeysOptions, LogOptions {
  readonly rootKeys: number;
  readonly threshold?: number;
  readonly validDays: number;
  readonly revocationsMaxAgeDays: number;
  readonly name?: string;
  readonly signingKey?: string;
}

const clock = () => new Date().toISOString();

export async function init(options: InitCommandOptions): Promise<ExitCode> {
  const log = await readLog(options);
  const keys = await initKeys(
    options.dir,
    {
      rootKeys: options.rootKeys,
      threshold: options.threshold ?? Math.floor(options.rootKeys / 2) + 1,
      validDays: options.validDays,
      revocationsMaxAgeDays: options.revocationsMaxAgeDays,
      ...(log === undefined ? {} : { log }),
      ...named(options.name),
      ...(await adopted(options.signingKey)),
    },
    clock(),
  );
  if (options.json === true) printJson({ ok: true, ...listing(keys) });
  else {
    print(`${colors.green('made')} keys and trust root in ${options.dir}`);
    describe(described(keys), clock());
    printHandOver(join(options.dir, 'private', 'signing-1.pem'));
    print('then: set TRUST_ROOT_SHA256 to the sha256 above, and publish: assay keys publish');
    print(`move ${join(options.dir, 'private')}/root-*.pem to where only their holders reach them`);
  }
  return EXIT.ok;
}

export async function list(options: KeysOptions): Promise<ExitCode> {
  const keys = await openKeyDirectory(options.dir);
  const pending = await pendingFiles(options.dir);
  if (options.json === true) {
    printJson({ ok: true, ...listing(keys), pending });
    return EXIT.ok;
  }
  describe(described(keys), clock());
  print('private keys here');
  for (const [keyId, { name }] of keys.privateKeys) print(`  ${name}, key ${keyId}`);
  if (keys.privateKeys.size === 0) print('  none');
  for (const file of pending) print(`${colors.yellow('waits for signatures')} ${file}`);
  return EXIT.ok;
}

export async function rotate(
  options: KeysOptions & {
    readonly name?: string;
    readonly overlapHours: number;
    readonly signingKey?: string;
  },
): Promise<ExitCode> {
  const keys = await openKeyDirectory(options.dir);
  const { signing, issued } = await rotateKey(
    keys,
    {
      overlapMs: options.overlapHours * HOUR_MS,
      ...named(options.name),
      ...(await adopted(options.signingKey)),
    },
    clock(),
  );
  const { keyId } = signing.key.publicKey;
  return report(options, issued, { keyId, file: signing.file }, () => {
    print(`new signing key ${keyId}; the old one counts for ${options.overlapHours} hours more`);
    print('publish the documents first (assay keys publish), then');
    printHandOver(signing.file);
  });
}

export async function renew(
  options: KeysOptions &
    LogOptions & {
      readonly validDays?: number;
      readonly revocationsMaxAgeDays?: number;
      readonly replace?: readonly string[];
      readonly addRootKeys?: number;
      readonly threshold?: number;
    },
): Promise<ExitCode> {
  const keys = await openKeyDirectory(options.dir);
  const log = await readLog(options);
  const replace = options.replace?.map((one) => privateName(keys, one) ?? one);
  const issued = await renewRoot(
    keys,
    {
      ...given(options, 'validDays', 'revocationsMaxAgeDays', 'addRootKeys', 'threshold'),
      ...(log === undefined ? {} : { log }),
      ...(replace === undefined ? {} : { replace }),
    },
    clock(),
  );
  return report(options, issued);
}

export async function refresh(options: KeysOptions): Promise<ExitCode> {
  const keys = await openKeyDirectory(options.dir);
  return report(options, [await issueRevocations(keys, {}, clock())]);
}

export async function revokeCommand(
  options: KeysOptions & {
    readonly key?: readonly string[];
    readonly bundle?: readonly string[];
    readonly reason: string;
  },
): Promise<ExitCode> {
  const reason = parseReason(options.reason);
  if (!options.key?.length && !options.bundle?.length) {
    throw new UsageError(
      'NOTHING_TO_REVOKE',
      'nothing to revoke',
      'give --key <id or name> or --bundle <sha256 or directory>',
    );
  }
  const keys = await openKeyDirectory(options.dir);
  const keyIds = (options.key ?? []).map((one) => signerId(keys, one));
  const bundles = await Promise.all((options.bundle ?? []).map(bundleDigest));
  const issued = await revoke(keys, { keyIds, bundles, reason }, clock());
  return report(options, [issued], { keyIds, bundles }, () => {
    print('it counts for others once they have it: assay keys publish, or assay keys export --out <dir>');
    const gone = new Set([...keys.revocations.keys.map((one) => one.keyId), ...keyIds]);
    if (keys.root.root.signers.every((one) => gone.has(one.keyId))) {
      print(colors.yellow('no signing key is left that counts: make a new one with assay keys rotate'));
    }
  });
}

/** Those that were given, so that the others keep their defaults. */
function given<T extends object, K extends keyof T>(
  options: T,
  ...names: K[]
): { [P in K]?: NonNullable<T[P]> } {
  const entries = names.map((name) => [name, options[name]]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [P in K]?: NonNullable<T[P]> };
}

/** What was issued, the next command where signatures are missing, then `more`. */
export function report(
  options: { readonly json?: boolean },
  issued: readonly Issued[],
  facts: Record<string, unknown> = {},
  more: () => void = () => undefined,
): ExitCode {
  // A script that goes on to publish must not take a document that still waits for one that counts.
  const complete = issued.every((one) => one.lacking.length === 0);
  const code = complete ? EXIT.ok : EXIT.no;
  if (options.json === true) {
    printJson({ ok: complete, issued, ...facts });
    return code;
  }
  for (const { kind, sequence, lacking, file } of issued) {
    if (lacking.length === 0) {
      print(`${colors.green('issued')} ${kind} ${sequence} (${file})`);
      continue;
    }
    print(`${colors.yellow('not yet issued')}: ${kind} ${sequence} lacks signatures (${file})`);
    for (const { count, keyIds } of lacking) print(`  ${count} of ${keyIds.join(', ')}`);
    print(`  whoever holds one of these keys runs: assay keys sign <file> --dir <their key directory>`);
    print(`  then, back here: assay keys sign <file>`);
  }
  more();
  return code;
}

function described({ root, revocations }: KeyDirectory) {
  return { root: root.root, rootSha256: root.sha256, revocations };
}

function listing(keys: KeyDirectory) {
  const privateKeys = [...keys.privateKeys].map(([keyId, { name, file }]) => ({ keyId, name, file }));
  return { directory: keys.directory, ...describeJson(described(keys), clock()), privateKeys };
}

function printHandOver(file: string): void {
  print(`hand the signing key to the service: npx wrangler secret put SIGNING_KEY < ${file}`);
  print('and then keep that file where your backups of secrets are, or delete it');
}
