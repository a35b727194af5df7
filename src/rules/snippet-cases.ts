/**
 * A Taskless request as one of ours: every snippet becomes a case of one file. Pure. What the schema of requests
 * refuses is told in the words of who sent the snippets.
 */
import { type RuleCase, type RuleRequest, requestSchema } from '../schema/request.ts';
import type { Submit } from '../schema/taskless.ts';
import { type Result, refuse, succeed } from './result.ts';
import { snippetFiles } from './snippet-language.ts';

const MAX_DETAILS = 20;

type Snippets = Pick<Submit, 'prompt' | 'successCases' | 'failureCases'>;

/** @param engine what the client can take */
export function requestOfSnippets(sent: Snippets, engine: 'auto' | 'sg'): Result<RuleRequest> {
  const lists = { successCases: sent.successCases ?? [], failureCases: sent.failureCases ?? [] };
  const absent = Object.entries(lists).filter(([, list]) => list.length === 0);
  if (absent.length > 0) return refuse(absent.map(([field]) => problem(field, ABSENT)));
  const placed = Object.entries(lists).flatMap(([field, list]) => {
    // The same code twice tests nothing twice.
    const kinds = list.map((text, at) => ({ field, at, text }));
    return kinds.filter(({ text, at }) => list.indexOf(text) === at);
  });
  const files = snippetFiles(
    sent.prompt,
    placed.map(({ text }) => text),
  );
  const cases = placed.map(({ field, at }, index): RuleCase => {
    const { path = '', text = '' } = files[index] ?? {};
    const kind = field === 'successCases' ? 'valid' : 'invalid';
    return { name: `${kind === 'valid' ? 'success' : 'failure'} ${at + 1}`, kind, files: { [path]: text } };
  });
  const parsed = requestSchema.safeParse({ prompt: sent.prompt, engine, cases });
  if (parsed.success) return succeed(parsed.data);
  const problems = parsed.error.issues.slice(0, MAX_DETAILS).map(({ path, message }) => {
    const [top, index] = path;
    const from = top === 'cases' && typeof index === 'number' ? placed[index] : undefined;
    return problem(from === undefined ? String(top ?? 'request') : `${from.field}[${from.at}]`, message);
  });
  return refuse(problems);
}

const ABSENT = 'give at least one example: a rule is tested against code it must report and code it must not';

function problem(where: string, message: string) {
  return { reason: 'request', where, message: `${where}: ${message}` };
}
