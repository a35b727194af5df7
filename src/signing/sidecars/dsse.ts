/** The DSSE envelope on its own, for tools that take no Sigstore bundle. Same signature as in the bundle. */
import type { Parts, Sidecar } from './parts.ts';

export function dsseSidecar({ envelope }: Parts): Sidecar {
  return { files: { 'rule.dsse.json': `${envelope}\n` }, commands: [] };
}
