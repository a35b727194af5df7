/** The type stripper's parts, handed to an isolate of its own. Its package exports no subpaths, hence the paths. */
import swc from '../../node_modules/@swc/wasm-typescript-esm/wasm.js';
import wasm from '../../node_modules/@swc/wasm-typescript-esm/wasm_bg.wasm';
import strip from '../room/strip.mjs';
import type { StripScripts } from './loader.ts';

// What the modules are is decided by the rules of wrangler.isolate.jsonc.
export const STRIP_SCRIPTS = { strip, swc, wasm } as unknown as StripScripts;
