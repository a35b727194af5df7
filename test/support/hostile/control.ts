/** A harmless verification beside the attacks: whatever they do, its answer must stay exactly the same. */

import { request } from '../../container/support.ts';
import type { RunningBackEnd } from './back-ends.ts';
import { ask } from './exchange.ts';

const CHECK = `import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export default function check(root: string, matches: { file: string; line: number; text: string }[]) {
  return matches.map(({ file, line, text }) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\\n').length;
    return { file, line, message: \`\${text}, one of \${lines} lines\` };
  });
}
`;
const EXPECTED = JSON.stringify([{ file: 'src/a.ts', message: 'mark(a), one of 3 lines', line: 2 }]);

/** Undefined when it went as it always must. */
export async function controlProblem(backEnd: RunningBackEnd): Promise<string | undefined> {
  const limits = { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 };
  const { answer, problems } = await ask(backEnd, request(CHECK, { limits }));
  if (problems.length > 0) return `control: ${problems.join('; ')}`;
  const result = answer?.results[0];
  if (result?.outcome === 'exited' && JSON.stringify(result.findings) === EXPECTED) return undefined;
  return `control: the harmless verification came to ${JSON.stringify(result)}`;
}

/** One after the other until `stop`; at least one. */
export async function controlsUntil(backEnd: RunningBackEnd, stop: AbortSignal): Promise<string[]> {
  const problems = new Set<string>();
  do {
    const problem = await controlProblem(backEnd);
    if (problem !== undefined) problems.add(problem);
  } while (!stop.aborted);
  return [...problems];
}
