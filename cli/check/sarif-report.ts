/**
 * A run's report as SARIF 2.1.0, so that an alert can be traced to the signed rule that raised it: each rule
 * carries the digest of its bundle, its generation and its key. Rules that gave no answer are notifications of
 * an execution that was not successful.
 *
 * The builder's own text form is not used: it refuses a log that holds certain words, and messages are a
 * check's to choose.
 */
import { SarifBuilder, SarifResultBuilder, SarifRuleBuilder, SarifRunBuilder } from 'node-sarif-builder';
import type { Log, Result } from 'sarif';
import type { Severity } from '../../container/protocol.ts';
import type { ExitCode } from '../exit.ts';
import type { CheckReport, RuleReport, ShownFinding } from './report.ts';

/** What code scanning services take at most, of one run. */
const MAX_RESULTS = 25_000;
const LEVELS: Readonly<Record<Severity, Result.level>> = { error: 'error', warning: 'warning', info: 'note' };
const PROJECT_ROOT = '%SRCROOT%';

/** @param version of this program */
export function sarifReport(report: CheckReport, exitCode: ExitCode, version: string): Log {
  const run = new SarifRunBuilder().initSimple({ toolDriverName: 'assay', toolDriverVersion: version });
  for (const rule of report.rules) if (rule.status === 'checked') run.addRule(ruleOf(rule));
  const shown = report.findings.slice(0, MAX_RESULTS);
  for (const finding of shown) run.addResult(resultOf(finding));
  // Given here, so that the builder adds none of its own: it guesses languages from file names.
  const uris = new Set(shown.map(({ file }) => uriOf(file)));
  run.run.artifacts = [...uris].map((uri) => ({ location: { uri, uriBaseId: PROJECT_ROOT } }));
  run.run.columnKind = 'utf16CodeUnits';
  run.run.invocations = [
    {
      executionSuccessful: exitCode !== 2,
      exitCode,
      toolExecutionNotifications: [...report.rules.flatMap(notificationOf), ...notScanned(report)],
    },
  ];
  const { truncated, counts, durationMs } = report;
  run.run.properties = { truncated: truncated || shown.length < report.findings.length, counts, durationMs };
  const builder = new SarifBuilder({ $schema: 'https://json.schemastore.org/sarif-2.1.0.json' });
  builder.addRun(run);
  return builder.buildSarifOutput();
}

function ruleOf({ name, origin }: RuleReport): SarifRuleBuilder {
  const summary = origin?.summary || name;
  const rule = new SarifRuleBuilder().initSimple({ ruleId: name, shortDescriptionText: summary });
  rule.rule.properties = {
    bundleSha256: origin?.bundleSha256,
    generation: origin?.generation,
    keyId: origin?.keyId,
  };
  return rule;
}

function resultOf({
  rule,
  file,
  line,
  column,
  severity,
  message,
  fingerprint,
}: ShownFinding): SarifResultBuilder {
  const built = new SarifResultBuilder();
  built.setRuleId(rule);
  built.setLevel(LEVELS[severity]);
  built.setMessageText(message);
  built.setLocationArtifactUri({ uri: uriOf(file), uriBaseId: PROJECT_ROOT });
  if (line !== undefined) {
    built.setLocationRegion({ startLine: line, ...(column === undefined ? {} : { startColumn: column }) });
  }
  built.result.partialFingerprints = { primaryLocationLineHash: fingerprint };
  return built;
}

/** A relative reference: each name escaped, so that no name reads as a scheme or as something to leave. */
function uriOf(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/');
}

function notificationOf({ name, status, refusal, origin }: RuleReport) {
  if (refusal === undefined) return [];
  const level: Result.level = status === 'ignored' ? 'warning' : 'error';
  const properties = {
    rule: name,
    status,
    reason: refusal.reason,
    bundleSha256: origin?.bundleSha256 ?? null,
  };
  const message = { text: `${name} was ${status}: ${refusal.message}` };
  return [{ level, message, descriptor: { id: refusal.reason }, properties }];
}

function notScanned(report: CheckReport) {
  return report.notScanned.map(({ reason, count, files }) => ({
    level: reason === 'unreadable' ? ('error' as const) : ('warning' as const),
    message: { text: `${count} files were not scanned (${reason}): ${files.join(', ')}` },
    descriptor: { id: reason },
  }));
}
