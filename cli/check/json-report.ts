/** A run's report as one JSON document; its shape is part of the interface (docs/spec/check.md). */
import type { ExitCode } from '../exit.ts';
import type { CheckReport, RuleReport } from './report.ts';

export function jsonReport(report: CheckReport, exitCode: ExitCode): Record<string, unknown> {
  const { rules, findings, counts, truncated, scannedFiles, notScanned, isolation, durationMs } = report;
  return {
    ok: exitCode === 0,
    exitCode,
    root: report.root,
    rules: rules.map(ruleDocument),
    findings,
    counts: { ...counts, total: counts.error + counts.warning + counts.info },
    truncated,
    scannedFiles,
    notScanned,
    isolation,
    durationMs,
  };
}

function ruleDocument({ name, status, origin, refusal, matches, findings, checkMs }: RuleReport) {
  return {
    name,
    status,
    ...(refusal === undefined ? {} : { reason: refusal.reason, message: refusal.message }),
    bundleSha256: origin?.bundleSha256 ?? null,
    keyId: origin?.keyId ?? null,
    signer: origin?.signer ?? null,
    generation: origin?.generation ?? null,
    matches,
    findings,
    ...(checkMs === undefined ? {} : { checkMs }),
  };
}
