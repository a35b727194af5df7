/** Builds the statement of one accepted rule. Pure: times and ids are handed in. */
import { disagreements } from '../rules/agreement.ts';
import { filesDigest, sha256Hex, tasklessEnvelope } from '../rules/digest.ts';
import { caseDirectories, ruleDirectory } from '../rules/layout.ts';
import type { Report } from '../schema/report.ts';
import type { RuleCase } from '../schema/request.ts';
import type { Rule } from '../schema/rule.ts';
import { PREDICATE_TYPE, type Predicate, STATEMENT_TYPE, type Statement } from '../schema/statement.ts';

export interface StatementInput {
  readonly rule: Rule;
  readonly cases: readonly RuleCase[];
  readonly report: Report;
  /** What a second sandbox said of the same; `null` when none had to agree. */
  readonly confirmation: Report | null;
  readonly request: Predicate['request'];
  readonly generation: Predicate['generation'];
  readonly model: Predicate['model'];
  readonly limits: Predicate['limits'];
  readonly verifiedAt: string;
  readonly signedAt: string;
}

/** @throws RangeError when a report is not an accepted one over exactly these cases, or the two disagree */
export async function buildStatement(input: StatementInput): Promise<Statement> {
  const { rule, report, confirmation } = input;
  return {
    _type: STATEMENT_TYPE,
    subject: await subjects(ruleDirectory(rule, input.cases)),
    predicateType: PREDICATE_TYPE,
    predicate: {
      rule: await ruleFacts(rule),
      request: input.request,
      cases: await verifiedCases(input.cases, report, confirmation),
      heldOut: null,
      variants: null,
      generation: input.generation,
      model: input.model,
      sandbox: sandboxOf(report),
      confirmation: confirmation === null ? null : sandboxOf(confirmation),
      limits: input.limits,
      verifiedAt: input.verifiedAt,
      signedAt: input.signedAt,
    },
  };
}

async function ruleFacts(rule: Rule): Promise<Predicate['rule']> {
  const { name, summary, size, capabilities } = rule;
  if (rule.engine === 'runtime') {
    const checkEnvelope = await tasklessEnvelope(rule.files['check.ts'] ?? '');
    return { name, engine: 'runtime', summary, checkEnvelope, size, capabilities };
  }
  const [capture] = rule.captures;
  if (capture === undefined || rule.report === undefined)
    throw new RangeError('an sg rule without what its matches say cannot be stated');
  return { name, engine: 'sg', summary, language: capture.language, ...rule.report, size, capabilities };
}

async function subjects(files: Readonly<Record<string, string>>): Promise<Statement['subject']> {
  return Promise.all(
    Object.keys(files)
      .sort()
      .map(async (name) => ({ name, digest: { sha256: await sha256Hex(files[name] ?? '') } })),
  );
}

function sandboxOf(report: Report): Predicate['sandbox'] {
  return { kind: report.sandbox, build: report.build, isolation: report.isolation };
}

async function verifiedCases(
  cases: readonly RuleCase[],
  report: Report,
  confirmation: Report | null,
): Promise<Predicate['cases']> {
  if (confirmation !== null && disagreements(report, confirmation).length > 0) {
    throw new RangeError('only a report that the second sandbox agrees with can be stated');
  }
  if (report.verdict !== 'accepted' || report.cases.length !== cases.length) {
    throw new RangeError('only an accepted report over all cases can be stated');
  }
  const directories = caseDirectories(cases);
  return Promise.all(
    cases.map(async (one, index) => {
      const result = report.cases[index];
      const status = result?.status;
      if (result?.name !== one.name || (status !== 'validated' && status !== 'reported')) {
        throw new RangeError(`case ${JSON.stringify(one.name)} was not accepted`);
      }
      return {
        name: one.name,
        kind: one.kind,
        directory: directories[index] ?? '',
        sha256: await filesDigest(one.files),
        status,
        matches: result.matchCount,
        findings: result.findings.length,
      };
    }),
  );
}
