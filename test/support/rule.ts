/** A small rule and request for tests that are about something else. */

import { ISOLATION_FLAGS } from '../../container/protocol.ts';
import type { ModelReply } from '../../src/schema/reply.ts';
import type { CaseReport, HostAnswer, HostCaseResult, Isolation, Report } from '../../src/schema/report.ts';
import type { RuleCase, RuleRequest } from '../../src/schema/request.ts';

export const goodReply: ModelReply = {
  name: 'no-eval',
  summary: 'Reports every call of eval.',
  captures: [
    { name: 'call', language: 'typescript', match: 'anchor', yaml: 'rule:\n  pattern: eval($CODE)\n' },
  ],
  check: `interface Match { file: string; line: number }
interface Finding { file: string; line: number; message: string }
export default function check(_root: string, matches: Match[]): Finding[] {
  return matches.map(({ file, line }) => ({ file, line, message: 'eval is used' }));
}
`,
  declined: null,
};

export const cases: RuleCase[] = [
  { name: 'parses JSON', kind: 'valid', files: { 'a.ts': 'JSON.parse(s);\n' } },
  { name: 'evaluates', kind: 'invalid', files: { 'a.ts': 'eval(s);\n' } },
];

export const request: RuleRequest = { prompt: 'No eval anywhere', cases };

export const isolation: Isolation = {
  jail: 'util-linux',
  flags: Object.fromEntries(ISOLATION_FLAGS.map((flag) => [flag, true])) as Isolation['flags'],
  measuredAt: '2026-01-01T00:00:00.000Z',
};

export const build = { id: 'a'.repeat(64), node: '24.21.0', astGrep: '0.51.1' };

export function caseResult(over: Partial<HostCaseResult> = {}): HostCaseResult {
  return {
    id: 'c0',
    outcome: 'exited',
    stage: 'check',
    matchCount: 1,
    matches: [],
    findings: [],
    console: '',
    trees: [],
    narrowMs: 1,
    checkMs: 2,
    ...over,
  };
}

export function answer(results: HostCaseResult[], over: Partial<HostAnswer> = {}): HostAnswer {
  return { protocol: 1, nonce: 'n', build, isolation, results, notRun: [], durationMs: 5, ...over };
}

export function acceptedReport(all: readonly RuleCase[] = cases): Report {
  const reports: CaseReport[] = all.map((one) => {
    const { id: _id, ...rest } = caseResult();
    const invalid = one.kind === 'invalid';
    return {
      ...rest,
      name: one.name,
      kind: one.kind,
      status: invalid ? 'reported' : 'validated',
      findings: invalid ? [{ file: 'a.ts', message: 'eval is used', line: 1 }] : [],
      durationMs: 3,
    };
  });
  return { verdict: 'accepted', sandbox: 'host', build, isolation, cases: reports, notRun: [], sandboxMs: 5 };
}
