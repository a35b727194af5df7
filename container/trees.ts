/**
 * Syntax trees for feedback: when no capture matched, shows what ast-grep sees in a case's files. The
 * dump is ast-grep's own (the file's text given as a query with `--debug-query=ast`), made in a room;
 * each line gets a 1-based position, and leaves get their text.
 */
import { type Jail, ROOM } from './jail/jail.ts';
import { runRoom } from './jail/run.ts';
import { NARROW_ROOM } from './limits.ts';
import type { CaptureInput, SyntaxTree } from './protocol.ts';
import { formatTree, treeFiles } from './tree-text.ts';

export async function syntaxTrees(
  jail: Jail,
  captures: readonly CaptureInput[],
  files: Readonly<Record<string, string>>,
  dirs: { readonly case: string; readonly rule: string },
  deadlineAt: number,
  signal: AbortSignal,
): Promise<{ trees: SyntaxTree[]; undead: boolean }> {
  const trees: SyntaxTree[] = [];
  for (const { file, language, source } of treeFiles(captures, files)) {
    const exit = await runRoom(
      jail,
      {
        argv: [
          ROOM.astGrep,
          'run',
          `--lang=${language}`,
          '--debug-query=ast',
          '--color=never',
          `--pattern=${source}`,
          '/dev/null',
        ],
        cwd: ROOM.case,
        caseDir: dirs.case,
        ruleDir: dirs.rule,
        limits: NARROW_ROOM,
      },
      {
        timeoutMs: deadlineAt - performance.now(),
        signal,
        maxOutputBytes: 1024 * 1024,
        keepBytes: 256 * 1024,
      },
    );
    if (exit.undead) return { trees, undead: true };
    const text = formatTree(exit.stderr, source);
    if (text !== '') trees.push({ file, language, text });
  }
  return { trees, undead: false };
}
