/**
 * The in-toto statement, exactly as signed, and its subjects as a checksum list. Neither file carries a
 * signature: both are worth what the verification before them was worth.
 */
import type { Parts, Sidecar } from './parts.ts';

export function intotoSidecar({ payload, subjects }: Parts): Sidecar {
  const lines = subjects.map(({ name, digest }) => checksumLine(name, digest.sha256));
  return {
    files: { 'statement.json': payload, SHA256SUMS: lines.join('') },
    commands: [`(cd RULE_DIRECTORY && sha256sum --check --strict --quiet -) < SHA256SUMS`],
  };
}

/** GNU coreutils' form: a name with a line break or backslash is escaped, and its line says so. */
function checksumLine(name: string, sha256: string): string {
  const escaped = name.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/\r/g, '\\r');
  return `${escaped === name ? '' : '\\'}${sha256}  ${escaped}\n`;
}
