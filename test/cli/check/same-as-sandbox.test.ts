/**
 * What runs on a repository is what was verified: the same findings as the sandbox, for every case of every
 * example rule, and from the bytes that were verified. In this process, because only the walls cost a start.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdmittedRule, admit } from '../../../cli/check/admit.ts';
import { type RuleResult, runRules } from '../../../cli/check/run-rules.ts';
import { type LocalHost, startVerificationHost } from '../../../cli/verification-host.ts';
import { logTo } from '../../../container/log.ts';
import { ISOLATION_FLAGS, type IsolationFlag, type IsolationReport } from '../../../container/protocol.ts';
import { showRepository } from '../../../container/repository/repository.ts';
import {
  openPrivateDir,
  openWorkshop,
  type PrivateDir,
  type RepositoryWorkshop,
} from '../../../container/repository/workshop.ts';
import { HttpSandbox } from '../../../src/sandboxes/http.ts';
import { verifyAll } from '../../../src/sandboxes/verify-all.ts';
import { DEFAULT_POLICY } from '../../../src/signing/policy.ts';
import { onlySigner } from '../../../src/signing/signers.ts';
import { type FixtureRule, fixtureRules } from '../../docker/fixture-rules.ts';
import { keyOf } from '../../support/signed.ts';
import { installRule, reportAll, signDirectory, writeFiles } from '../../support/signed-project.ts';
import { callRule } from './support.ts';

let dir: PrivateDir;
let workshop: RepositoryWorkshop;
let host: LocalHost;
let scratch: string;
let rules: FixtureRule[];
let number = 0;

beforeAll(async () => {
  logTo(() => {});
  scratch = mkdtempSync(join(tmpdir(), 'assay-same-'));
  chmodSync(scratch, 0o755);
  dir = openPrivateDir();
  [workshop, host, rules] = await Promise.all([
    openWorkshop(dir.hostDir, scratch),
    startVerificationHost(),
    fixtureRules(),
  ]);
  await workshop.isolation;
});
afterAll(async () => {
  dir.close();
  await host.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Of the latest run. */
let results: RuleResult[] = [];

interface Walls {
  readonly isolation?: Promise<IsolationReport>;
  readonly requiredFlags?: readonly IsolationFlag[];
}

/** Runs admitted rules on a folder of its own. */
async function runOn(
  files: Readonly<Record<string, string>>,
  admitted: readonly AdmittedRule[],
  { isolation = workshop.isolation, requiredFlags = ISOLATION_FLAGS }: Walls = {},
) {
  number += 1;
  const [root, links] = [join(scratch, `project-${number}`), join(dir.hostDir, `links-${number}`)];
  mkdirSync(root, { mode: 0o755 });
  mkdirSync(links, { mode: 0o711 });
  await writeFiles(root, files);
  const own: RuleResult[] = [];
  results = own;
  await runRules({
    workshop: { ...workshop, isolation, repository: showRepository(links, root) },
    rules: admitted,
    paths: [],
    requiredFlags,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    progress: () => {},
    onResult: (_rule, result) => void own.push(result),
  });
  return own;
}

async function admitSigned(name: string, files: Readonly<Record<string, string>>) {
  const key = await keyOf(7);
  const directory = await installRule(
    join(scratch, `rules-${number}`),
    name,
    (await signDirectory(key, { name, files })).files,
  );
  const trusted = {
    signers: onlySigner(key.publicKey),
    policy: DEFAULT_POLICY,
    log: null,
    now: new Date().toISOString(),
  };
  const admission = await admit({ name, directory }, trusted);
  if (!('rule' in admission)) throw new Error(admission.refusal.message);
  return { rule: admission.rule, directory };
}

const inOrder = (findings: readonly { file: string }[]): string[] =>
  findings.map((one) => JSON.stringify(one)).sort();

describe('an example rule', () => {
  it('finds in each case what it found in the sandbox', async () => {
    const last = new Map(rules.map((one) => [one.rule.name, one]));
    expect(last.size).toBe(9);
    let found = 0;
    for (const { rule, cases: all } of last.values()) {
      const cases = (['valid', 'invalid'] as const).flatMap((kind) =>
        all.filter((one) => one.kind === kind).slice(0, 3),
      );
      const { rule: admitted } = await admitSigned(rule.name, rule.files);
      const report = await verifyAll(new HttpSandbox('host', host), rule, cases, 10_000);
      const ran = await Promise.all(cases.map(({ files }) => runOn(files, [admitted])));
      for (const [index, [result]] of ran.entries()) {
        expect(result?.failure).toBeUndefined();
        expect(inOrder(result?.findings ?? [])).toEqual(inOrder(report.cases[index]?.findings ?? []));
        expect(result?.matches).toBe(report.cases[index]?.matchCount);
        found += result?.findings.length ?? 0;
      }
    }
    expect(found).toBeGreaterThan(20);
  });
});

describe('an admitted rule', () => {
  it('is not run behind a wall that was not seen to hold, unless nobody asks for that wall', async () => {
    const { rule } = await admitSigned('rule', callRule('rule', 'bad').files);
    const { jail, flags, measuredAt } = await workshop.isolation;
    const isolation = Promise.resolve({ jail, flags: { ...flags, dnsBlocked: false }, measuredAt });
    const files = { 'a.ts': 'bad(1);\n' };
    await expect(runOn(files, [rule], { isolation, requiredFlags: ISOLATION_FLAGS })).rejects.toMatchObject({
      code: 'NOT_ISOLATED',
      message: expect.stringContaining('dnsBlocked'),
    });
    expect(results).toEqual([]);
    const others = ISOLATION_FLAGS.filter((flag) => flag !== 'dnsBlocked');
    expect(await runOn(files, [rule], { isolation, requiredFlags: others })).toHaveLength(1);
  });

  it('is run from the bytes that were verified, whatever became of its directory', async () => {
    const { files } = callRule('rule', 'bad', reportAll('as signed'));
    const { rule, directory } = await admitSigned('rule', files);
    await writeFile(join(directory, 'check.ts'), reportAll('CHANGED'));
    await writeFile(join(directory, 'captures/call.yml'), '');
    const [result] = await runOn({ 'a.ts': 'bad(1);\n' }, [rule]);
    expect(result?.findings).toMatchObject([{ file: 'a.ts', line: 1, message: 'as signed' }]);
  });
});
