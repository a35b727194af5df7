// Removes the types of one check, in an isolate of its own: a parser that broke down once is not used again.
import { initSync, transformSync } from './swc.js';
import module from './swc.wasm';

export default {
  async fetch(request) {
    const { source } = await request.json();
    initSync({ module });
    try {
      const { code } = transformSync(source, { mode: 'strip-only', deprecatedTsModuleAsError: true });
      return Response.json({ code });
    } catch (error) {
      // The parser throws plain objects for what it understood and found wrong.
      const line = Number.isInteger(error?.startLine) ? { line: error.startLine } : {};
      return Response.json({ error: { message: String(error?.message ?? error), ...line } });
    }
  },
};
