/** The scripted model, outside of the stack and alive when that dies, which keeps who asked for what and when. */
import { type ModelCall, type ModelServer, startModelServer } from '../../dev/model-server.ts';
import { scriptedReplies } from '../support/scripted-model.ts';

export interface PaidCall {
  /** Of the generation, see `requestOf`. */
  readonly marker: string;
  /** 0 is the question for the engine. */
  readonly attempt: number;
  readonly atMs: number;
}

export interface CountingModel extends ModelServer {
  readonly paid: PaidCall[];
}

export async function startCountingModel(): Promise<CountingModel> {
  const paid: PaidCall[] = [];
  const answerOf = scriptedReplies();
  const server = await startModelServer({
    reply: (call) => {
      const answer = answerOf(call);
      // What is refused is not charged.
      if (answer.kind === 'text') paid.push({ ...askedFor(call), atMs: performance.now() });
      return answer;
    },
  });
  return { ...server, paid };
}

function askedFor({ body }: ModelCall): Pick<PaidCall, 'marker' | 'attempt'> {
  const text = JSON.stringify(body.messages);
  const marker = [...text.matchAll(/case-([a-z0-9-]+)\./g)].at(-1)?.[1] ?? 'unknown';
  if (JSON.stringify(body.system).includes('You decide which of two engines')) return { marker, attempt: 0 };
  const earlier = body.messages.filter((message) => message.role === 'assistant').length;
  // A retry that goes on from an attempt has that one's answer before its own first.
  return { marker, attempt: marker.endsWith('-again') ? earlier : earlier + 1 };
}
