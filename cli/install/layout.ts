/**
 * Where a layout of the Taskless client has the files of a rule. Pure. Every place is one that the client's own move
 * to a newer layout carries along, but for the bundle of an `sg` rule in layout 3, which it does not know; installing
 * again puts that right.
 */
import { BUNDLE_FILE, PROOF_FILE } from '../../src/rules/layout.ts';
import type { Engine } from '../../src/schema/request.ts';

/** Layouts 1 to 3 have rules in the same places. Layout 4 was never released. */
export type Layout = 3 | 5;

/** A folder below `.taskless/` that belongs to the rule as a whole, and where its files are in the rule directory. */
interface Folder {
  readonly folder: string;
  /** Rule-relative path of a file in it, and back; `null` where it has none. */
  readonly toRule: (inside: string) => string;
}

/** Where a file of the rule directory goes, below `.taskless/`. */
export function placeOf(layout: Layout, engine: Engine, name: string, path: string): string {
  if (layout === 5) return `rules/${engine}/${name}/${path}`;
  const tests = path.startsWith('.tests/') ? path.slice('.tests/'.length) : null;
  if (engine === 'runtime') {
    if (tests !== null) return `runtime-rule-tests/${name}/${tests}`;
    return `runtime-rules/${name}/${path.replace(/^captures\//, '')}`;
  }
  if (tests !== null) return `rule-tests/${name}/${tests}`;
  if (path === BUNDLE_FILE || path === PROOF_FILE) return `rule-metadata/${name}.${path}`;
  return `rules/${path}`;
}

/** Folders that hold nothing but this rule. */
export function foldersOf(layout: Layout, engine: Engine, name: string): readonly Folder[] {
  if (layout === 5) return [{ folder: `rules/${engine}/${name}`, toRule: (inside) => inside }];
  const tests = (inside: string) => `.tests/${inside}`;
  if (engine === 'sg') return [{ folder: `rule-tests/${name}`, toRule: tests }];
  return [
    {
      folder: `runtime-rules/${name}`,
      toRule: (inside) => (/^[^/]+\.ya?ml$/.test(inside) ? `captures/${inside}` : inside),
    },
    { folder: `runtime-rule-tests/${name}`, toRule: tests },
  ];
}

/** Files of the rule that lie among those of others. */
export function loneFilesOf(layout: Layout, engine: Engine, name: string): readonly string[] {
  return layout === 3 && engine === 'sg' ? [`${name}.yml`, BUNDLE_FILE, PROOF_FILE] : [];
}
