/**
 * What one isolate is made of: the harness, the stripped check, and the case's files as data that the
 * check sees through node:fs. The same bundle runs under workerd and under a Worker Loader. Nothing in it
 * tells one case from another but its files.
 */
import type { CaseInput } from '../container/protocol.ts';

export type Module = { readonly js: string } | { readonly cjs: string } | { readonly data: Uint8Array };

/** Body of the one request of an isolate. */
export interface BundleTask {
  readonly token: string;
  readonly matches: readonly unknown[];
  /** True for a check that {@link cannotSeeProcess}; otherwise it is run like a process. */
  readonly withoutProcess?: boolean;
  /** How much of the console to keep and send back, where nobody reads the isolate's own output. */
  readonly keepBytes?: number;
}

export interface Bundle {
  readonly compatibilityDate: string;
  /** By name; the first is the main module. */
  readonly modules: Readonly<Record<string, Module>>;
}

/** The scripts that run inside, by file name. */
export interface RoomScripts {
  readonly harness: string;
  readonly answer: string;
  readonly fileSystem: string;
  readonly fs: string;
  readonly fsPromises: string;
}

export const CHECK_MODULE = 'check.mjs';
/** Of the runtime inside, whichever program it is; Node's built-in modules need no flag as of this date. */
export const COMPATIBILITY_DATE = '2026-10-20';

export function bundleOf(scripts: RoomScripts, check: string, files: CaseInput['files']): Bundle {
  const modules: Record<string, Module> = {
    'harness.mjs': { js: scripts.harness },
    'answer.cjs': { cjs: scripts.answer },
    'node:assay-fs': { js: scripts.fileSystem },
    // A module of the bundle goes before the runtime's own of the same name.
    'node:fs': { js: scripts.fs },
    'node:fs/promises': { js: scripts.fsPromises },
    [CHECK_MODULE]: { js: check },
  };
  const encoder = new TextEncoder();
  for (const [path, text] of Object.entries(files)) {
    modules[`case/${encodePath(path)}`] = { data: encoder.encode(text) };
  }
  return { compatibilityDate: COMPATIBILITY_DATE, modules };
}

/**
 * Module names are URLs: what is not plain would come back escaped or cut off. `room/file-system.mjs` undoes it.
 */
function encodePath(path: string): string {
  return path.split('/').map(encodeName).join('/');
}

function encodeName(name: string): string {
  if (/^[A-Za-z0-9._-]+$/.test(name)) return name;
  const bytes = new TextEncoder().encode(name);
  return `~${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/**
 * Every way to come by the global object, to load a module, or to write a name in another way. Only what has
 * none of these words cannot see `process`, nor set an exit status.
 */
const WAYS_TO_PROCESS =
  /\\|\b(?:process|globalThis|global|self|this|window|frames|import|require|eval|Function|constructor|caller|callee|prepareStackTrace|with)\b/;

/** True when it surely cannot: then the 4 ms that the runtime takes to make `process` are saved (measured). */
export function cannotSeeProcess(check: string): boolean {
  return !WAYS_TO_PROCESS.test(check);
}
