/** What the routes that make a generation have in common in their declarations. */
import { generationSchema } from '../schema/api.ts';
import { KEY_HEADER, REPLAYED_HEADER } from './idempotency.ts';
import type { Answer } from './route.ts';

export const KEY_HEADERS: Readonly<Record<string, string>> = {
  [KEY_HEADER]:
    'Makes asking again safe for 30 days: the same generation while it, or a retry of it, is alive or signed; a new one linked to it otherwise. 1 to 255 printable ASCII characters without spaces.',
};

const LOCATION = { location: 'Path of the generation.' };

export const MADE_ANSWERS: Readonly<Record<number, Answer>> = {
  200: {
    description: 'It was asked for before; this is that generation.',
    schema: generationSchema,
    headers: { ...LOCATION, [REPLAYED_HEADER]: '"true"' },
  },
  202: { description: 'It was made and starts.', schema: generationSchema, headers: LOCATION },
};
