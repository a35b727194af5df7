/** The local isolate host as a child process, its parts in this process, and ast-grep's command line as oracle. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { anchorMatches, broadMatches } from '../../container/narrow.ts';
import type { CaptureInput, CaseInput, Match, RuleInput } from '../../container/protocol.ts';
import { writeInto } from '../../container/temp.ts';
import { readRecordings } from '../../dev/fixtures.ts';
import { engineAssets } from '../../isolate/local/assets.ts';
import { createEngine, type Engine } from '../../isolate/narrow/engine.ts';
import { sandboxRule } from '../../src/rules/sandbox-rule.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import type { Rule } from '../../src/schema/rule.ts';
import { DRAFT } from '../../src/steps/draft-rule.ts';
import { AST_GREP, ROOT } from '../container/support.ts';

let engine: Promise<Engine> | undefined;

/** One for all tests of a file: tree-sitter can be started once per process. */
export function sharedEngine(): Promise<Engine> {
  engine ??= createEngine(engineAssets());
  return engine;
}

export type Oracle = { readonly matches: Match[] } | { readonly refused: string };

/** What ast-grep's command line finds, with the invocations of the container back end; on trusted rules only. */
export function askCommandLine(rule: RuleInput, files: CaseInput['files']): Oracle {
  const dir = mkdtempSync(join(tmpdir(), 'assay-oracle-'));
  try {
    const caseDir = join(dir, 'case');
    mkdirSync(caseDir);
    writeInto(caseDir, files);
    const anchors = rule.captures.filter((capture) => capture.match === 'anchor');
    const broads = rule.captures.filter((capture) => capture.match === 'broad');
    const names = new Map(rule.captures.map(({ id, name }) => [id, name]));
    const matches: Match[] = [];
    const scans = [...(anchors.length > 0 ? [anchors] : []), ...broads.map((one) => [one])];
    for (const [index, captures] of scans.entries()) {
      const [first] = captures;
      const stdout = scan(join(dir, `rules-${index}`), caseDir, rule, captures);
      if (typeof stdout !== 'string') return stdout;
      if (first?.match === 'broad') matches.push(...broadMatches(stdout, first));
      else matches.push(...anchorMatches(stdout, names));
    }
    return { matches };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function scan(
  rulesDir: string,
  caseDir: string,
  rule: RuleInput,
  captures: readonly CaptureInput[],
): string | { refused: string } {
  for (const { file } of captures) {
    const path = join(rulesDir, 'rules', file.slice('captures/'.length));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, rule.files[file] ?? '');
  }
  writeFileSync(join(rulesDir, 'sgconfig.yml'), 'ruleDirs:\n  - rules\n');
  const mode = captures[0]?.match === 'broad' ? '--files-with-matches' : '--json=stream';
  const args = ['scan', '--config', join(rulesDir, 'sgconfig.yml'), mode, '--threads=1'];
  const options = { cwd: caseDir, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, env: {} } as const;
  const { status, stdout, stderr } = spawnSync(AST_GREP, args, options);
  return status === 0 || status === 1 ? stdout : { refused: stderr };
}

/**
 * In an order of their own: which file comes first depends on the file system, and which of two rules in one
 * file comes first changes from run to run of the command line. The order of one rule's matches is kept.
 */
export function inOrder(matches: readonly Match[]): Match[] {
  return [...matches].sort((a, b) => compare(a.ruleId, b.ruleId) || compare(a.file, b.file));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A rule of one anchor capture, made of the part of its file that matters. */
export function ruleOf(language: string, body: string, check = 'export default () => [];\n'): RuleInput {
  const text = `id: c-1\nlanguage: ${language}\n${body}\nmetadata:\n  taskless: { version: 1, kind: runtime, name: c }\n`;
  const capture = {
    file: 'captures/c.yml',
    id: 'c-1',
    name: 'c',
    match: 'anchor',
    language,
    scoped: false,
  } as const;
  return { files: { 'check.ts': check, 'captures/c.yml': text }, captures: [capture] };
}

/** As a host is given it. */
export type FixtureRule = RuleInput & Pick<Rule, 'capabilities'>;

export interface Fixture {
  readonly id: string;
  /** With the number of the recorded reply. */
  readonly rules: readonly (readonly [reply: string, rule: FixtureRule])[];
  readonly cases: readonly RuleCase[];
}

/** Every fixture with the rules of its recorded replies, as far as inspection lets them through. */
export async function loadFixtures(): Promise<Fixture[]> {
  const recordings = await readRecordings(join(ROOT, 'fixtures'));
  return Promise.all(
    recordings.map(async ({ id, request, engine, replies }) => {
      const rules: (readonly [string, FixtureRule])[] = [];
      for (const { file, reply } of replies) {
        const drafted = await DRAFT[engine](JSON.stringify(reply), request);
        if (!drafted.ok || !('rule' in drafted.value)) continue;
        const { rule } = drafted.value;
        rules.push([file, { ...sandboxRule(rule), capabilities: rule.capabilities }]);
      }
      return { id, rules, cases: request.cases };
    }),
  );
}
