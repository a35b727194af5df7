/**
 * A model that follows a script in the prompt: `[[silent, good]]` gives a wrong first and a right second
 * reply. Where it is asked for the engine, it says `sg` when a word of the script begins so; a first word
 * `unclear` makes it give no readable answer to that. Words that begin with `batch` tell what becomes of a request
 * in a message batch. Lets tests inside workerd choose the replies of a server that runs outside.
 */
import type { ModelCall, RecordedAnswer } from '../../dev/model-server.ts';
import { goodReply } from './rule.ts';
import { goodSgReply } from './sg.ts';

const text = (value: unknown): RecordedAnswer => ({ kind: 'text', text: JSON.stringify(value) });
const withCheck = (body: string): RecordedAnswer =>
  text({ ...goodReply, check: `export default function check() { ${body} }\n` });
const overloaded: RecordedAnswer = {
  kind: 'error',
  status: 529,
  type: 'overloaded_error',
  message: 'overloaded',
};

const REPLIES: Readonly<Record<string, RecordedAnswer>> = {
  good: text(goodReply),
  silent: withCheck('return [];'),
  noisy: text({
    ...goodReply,
    captures: [{ ...goodReply.captures[0], yaml: 'rule:\n  kind: expression_statement\n' }],
  }),
  // Right where cases are shown in the folder they have in a room, which is not so in an isolate.
  elsewhere: text({
    ...goodReply,
    check: `interface Match { file: string; line: number }
export default function check(root: string, matches: Match[]) {
  return root === '/case' ? matches.map(({ file, line }) => ({ file, line, message: 'eval is used' })) : [];
}
`,
  }),
  throws: withCheck("throw new TypeError('no such thing');"),
  endless: withCheck('for (;;) {}'),
  misses: text({
    ...goodReply,
    captures: [{ ...goodReply.captures[0], yaml: 'rule:\n  pattern: evil($CODE)\n' }],
  }),
  imports: text({ ...goodReply, check: "import 'node:net';\nexport default () => [];\n" }),
  prose: { kind: 'text', text: 'I would rather talk about it.' },
  fenced: { kind: 'text', text: `Here it is:\n\`\`\`json\n${JSON.stringify(goodReply)}\n\`\`\`\nDone.` },
  truncated: { kind: 'text', text: JSON.stringify(goodReply).slice(0, 80), stopReason: 'max_tokens' },
  unpriced: { ...text({ ...goodReply, captures: [] }), model: 'somebody-else' } as RecordedAnswer,
  refusal: { kind: 'text', text: 'No.', stopReason: 'refusal' },
  declined: text({ ...goodReply, captures: [], check: '', declined: 'the cases contradict' }),
  badkey: { kind: 'error', status: 401, type: 'authentication_error', message: 'invalid key' },
  sggood: text(goodSgReply),
  sgmisses: text({ ...goodSgReply, yaml: 'rule:\n  pattern: evil($CODE)\n' }),
  sgregex: text({ ...goodSgReply, yaml: 'rule:\n  regex: eval\n' }),
  sgdeclined: text({ ...goodSgReply, declined: 'files have to be compared' }),
  slow: { ...text(goodReply), delayMs: 3_000 },
};

/** What becomes of a request in a message batch; the same word is `good` in a call alone. */
const IN_BATCH: Readonly<Record<string, RecordedAnswer>> = {
  batcherror: { kind: 'error', status: 400, type: 'invalid_request_error', message: 'not like this' },
  batchexpired: { kind: 'expired' },
  batchhang: { kind: 'hang' },
  batchlost: { ...text(goodReply), losesBatch: true } as RecordedAnswer,
  batchsilent: withCheck('return [];'),
};

export function scriptedReplies(): (call: ModelCall) => RecordedAnswer {
  const overloadedOnce = new Set<string>();
  return (call) => {
    const all = JSON.stringify(call.body.messages);
    const script = /\[\[([a-z0-9, ]+)\]\]/
      .exec(all)?.[1]
      ?.split(',')
      .map((word) => word.trim()) ?? ['good'];
    const unclear = script[0] === 'unclear';
    if (unclear) script.shift();
    if (JSON.stringify(call.body.system).includes('You decide which of two engines')) {
      const engine = script.some((one) => one.startsWith('sg')) ? 'sg' : 'runtime';
      return unclear ? (REPLIES.prose ?? overloaded) : text({ engine, why: `it looks like ${engine}` });
    }
    const attempt = call.body.messages.filter((message) => message.role === 'assistant').length;
    const word = script[Math.min(attempt, script.length - 1)] ?? 'good';
    const inBatch = IN_BATCH[word];
    if (inBatch !== undefined) return call.batchId === undefined ? text(goodReply) : inBatch;
    if (word === 'busy') {
      if (overloadedOnce.has(all)) return REPLIES.good ?? overloaded;
      overloadedOnce.add(all);
      return overloaded;
    }
    return (
      REPLIES[word] ?? {
        kind: 'error',
        status: 400,
        type: 'invalid_request_error',
        message: `no reply ${word}`,
      }
    );
  };
}
