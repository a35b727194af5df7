/** Server-sent events of a generation, read from an answer. Anything that is not such a stream is none. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { type GenerationEvent, generationEvent } from '../src/schema/api.ts';

/** The service gives a sign of life every 15 s. */
const SILENCE_MS = 45_000;

/** `null` when the answer is no stream. The stream throws when it breaks off, falls silent, or is not understood. */
export function eventsOf(response: Response): AsyncIterable<GenerationEvent> | null {
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && response.body !== null && type.startsWith('text/event-stream')) {
    return readEvents(response.body);
  }
  void response.body?.cancel();
  return null;
}

async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<GenerationEvent> {
  const parsed = watched(body)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { data } of parsed) yield generationEvent.parse(JSON.parse(data));
}

/** The same bytes; an error when none came for too long, which a connection lost without a word looks like. */
function watched(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const silence = AbortSignal.timeout(SILENCE_MS);
      const fellSilent = new Promise<never>((_resolve, reject) => {
        silence.addEventListener('abort', () => reject(new Error('the stream fell silent')), { once: true });
      });
      const { done, value } = await Promise.race([reader.read(), fellSilent]);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
