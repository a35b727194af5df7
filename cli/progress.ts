/** Events of a generation as lines a person follows. Pure. */
import colors from 'picocolors';
import { z } from 'zod';
import type { GenerationEvent } from '../src/schema/api.ts';
import { counted, plain } from './output.ts';

const number = z.coerce.number().catch(0);
const text = z.string().catch('');

/** One line per event, or `null` for events that say nothing new to a person. */
export function eventLine(event: GenerationEvent): string | null {
  const { data } = event;
  const attempt = `attempt ${number.parse(data.attempt)}`;
  switch (event.type) {
    case 'queued':
      return null;
    case 'started':
      return `started: ${counted(number.parse(data.cases), 'case')}, at most ${counted(number.parse(data.attempts), 'attempt')}`;
    case 'classified':
      // Who named an engine knows it already.
      if (data.requested !== 'auto') return null;
      return `engine ${plain(text.parse(data.engine))}: ${plain(text.parse(data.why))}`;
    case 'model_called':
      return `${attempt}: asking ${plain(text.parse(data.model))}${data.batch === true ? ', in a message batch' : ''}`;
    case 'replied':
      return `${attempt}: answered in ${(number.parse(data.durationMs) / 1_000).toFixed(1)} s${cost(data.costUsd)}`;
    case 'inspected':
      return data.accepted === true
        ? `${attempt}: ${sizeText(data)}`
        : colors.yellow(`${attempt}: ${plain(text.parse(data.message))}`);
    case 'verified':
    case 'confirmed':
      return sandboxLine(attempt, event);
    case 'judged':
      return judgedLine(attempt, data);
    case 'ended':
      return endedLine(data);
  }
}

function sandboxLine(attempt: string, { type, data }: GenerationEvent): string {
  const sandbox = plain(text.parse(data.sandbox));
  if (typeof data.unsuitable === 'string')
    return colors.yellow(`${attempt}: the ${sandbox} sandbox is left out: ${plain(data.unsuitable)}`);
  const count = number.parse(data.casesPassed);
  const passed = count === 1 ? '1 case passes' : `${count} cases pass`;
  return type === 'verified'
    ? `${attempt}: ${passed} so far`
    : `${attempt}: ${passed} in a second sandbox (${sandbox})`;
}

function judgedLine(attempt: string, data: GenerationEvent['data']): string {
  const line = `${attempt}: ${plain(text.parse(data.summary))}`;
  return data.verdict === 'accepted' ? colors.green(line) : colors.yellow(line);
}

function endedLine(data: GenerationEvent['data']): string {
  const line = `${text.parse(data.status)}: ${plain(text.parse(data.message))}`;
  return data.status === 'signed' ? colors.green(line) : colors.red(line);
}

function cost(value: unknown): string {
  return typeof value === 'number' ? `, ${value.toFixed(4)} USD` : '';
}

function sizeText(data: GenerationEvent['data']): string {
  const size = z
    .object({ captures: z.number(), checkLines: z.number(), captureLines: z.number().default(0) })
    .safeParse(data.size);
  if (!size.success) return 'inspected';
  const { captures, checkLines, captureLines } = size.data;
  if (data.engine === 'sg') return `inspected: one ast-grep rule of ${counted(captureLines, 'line')}`;
  return `inspected: ${counted(captures, 'capture')}, ${counted(checkLines, 'line')} of check`;
}
