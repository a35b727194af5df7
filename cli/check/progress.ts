/** What is being done, on a terminal, once it takes long enough to be asked. */
import { plain } from '../output.ts';

const QUIET_MS = 1_000;
const CLEAR_LINE = '\r\u001b[K';

export interface Progress {
  show(what: string): void;
  end(): void;
}

export function progressOn(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return { show() {}, end() {} };
  const startedAt = performance.now();
  let written = false;
  return {
    show(what) {
      if (performance.now() - startedAt < QUIET_MS) return;
      stream.write(`${CLEAR_LINE}${plain(what).slice(0, 70)}…`);
      written = true;
    },
    end() {
      if (written) stream.write(CLEAR_LINE);
    },
  };
}
