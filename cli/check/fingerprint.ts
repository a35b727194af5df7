/**
 * A name for a finding that outlives edits round it: SHA-256 over rule, file and the text of its line with
 * white space made one, and which one it is of several alike. Where lines move, it stays.
 */
import { createHash } from 'node:crypto';
import type { FoundFinding, ShownFinding } from './report.ts';
import type { SourceFiles } from './source-file.ts';

/** @param findings ordered, so that the numbers of findings alike follow their places in the file */
export function withFingerprints(findings: readonly FoundFinding[], sources: SourceFiles): ShownFinding[] {
  const seen = new Map<string, number>();
  return findings.map((finding) => {
    const hash = createHash('sha256')
      .update(JSON.stringify([finding.rule, finding.file, lineText(finding, sources)]))
      .digest('hex')
      .slice(0, 32);
    const number = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, number);
    return { ...finding, fingerprint: `${hash}:${number}` };
  });
}

function lineText({ file, line }: FoundFinding, sources: SourceFiles): string {
  const text = line === undefined ? undefined : sources.lines(file)?.[line - 1];
  return (text ?? '').trim().replace(/\s+/g, ' ');
}
