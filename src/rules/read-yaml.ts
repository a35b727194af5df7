/** YAML that a stranger wrote to one map, with bounds; refusals are values. */
import { isMap, parseDocument } from 'yaml';
import { byteLength } from '../schema/path.ts';

/** Aliases may repeat what they name; this many times is enough for a rule and too few for a bomb. */
const MAX_ALIASES = 20;

export type YamlMap =
  | { readonly map: Record<string, unknown> }
  | { readonly problem: 'too_large' | 'yaml'; readonly message: string };

export function readYamlMap(text: string, maxBytes: number): YamlMap {
  if (byteLength(text) > maxBytes)
    return { problem: 'too_large', message: `is larger than ${maxBytes} bytes` };
  const document = parseDocument(text, { uniqueKeys: true });
  const error = document.errors[0];
  if (error !== undefined) return { problem: 'yaml', message: `is not valid YAML: ${error.message}` };
  if (!isMap(document.contents))
    return { problem: 'yaml', message: 'must be a YAML mapping with the key "rule"' };
  try {
    return { map: document.toJS({ maxAliasCount: MAX_ALIASES }) as Record<string, unknown> };
  } catch {
    return { problem: 'yaml', message: 'repeats too many YAML aliases' };
  }
}
