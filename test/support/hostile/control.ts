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
  return (await control(backEnd)).problem;
}

async function control(
  backEnd: RunningBackEnd,
): Promise<{ readonly problem: string | undefined; readonly stuck: boolean }> {
  const limits = { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 };
  const { answer, problems, stuck } = await ask(backEnd, request(CHECK, { limits }));
  if (problems.length > 0) return { problem: `control: ${problems.join('; ')}`, stuck };
  const result = answer?.results[0];
  const isRight = result?.outcome === 'exited' && JSON.stringify(result.findings) === EXPECTED;
  const problem = `control: the harmless verification came to ${JSON.stringify(result)}`;
  return { problem: isRight ? undefined : problem, stuck };
}

/** One after the other until `stop`, at least one; none after one that had no answer. */
export async function controlsUntil(backEnd: RunningBackEnd, stop: AbortSignal): Promise<string[]> {
  const problems = new Set<string>();
  for (;;) {
    const { problem, stuck } = await control(backEnd);
    if (problem !== undefined) problems.add(problem);
    if (stuck || stop.aborted) return [...problems];
  }
}
