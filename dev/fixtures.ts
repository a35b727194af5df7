/** The example requests of fixtures/rules and what is recorded for them in fixtures/model, by folder name. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { engineOf } from '../src/rules/classify.ts';
import {
  classifyReplySchema,
  type ModelReply,
  replySchema,
  type SgReply,
  sgReplySchema,
} from '../src/schema/reply.ts';
import { type Engine, type RuleRequest, requestSchema } from '../src/schema/request.ts';

export async function readRequests(fixtures: string): Promise<{ id: string; request: RuleRequest }[]> {
  const rules = join(fixtures, 'rules');
  const ids = (await readdir(rules)).sort();
  return Promise.all(
    ids.map(async (id) => {
      const text = await readFile(join(rules, id, 'request.json'), 'utf8');
      return { id, request: requestSchema.parse(JSON.parse(text)) };
    }),
  );
}

export interface Recording {
  readonly id: string;
  readonly request: RuleRequest;
  readonly engine: Engine;
  /** The answer to which engine it needs, where the request leaves that open. */
  readonly classification: z.infer<typeof classifyReplySchema> | null;
  /** In the order in which they are given, with their file names. */
  readonly replies: readonly { readonly file: string; readonly reply: ModelReply | SgReply }[];
}

/** @throws Error naming the file that is missing or not what it should be */
export async function readRecordings(fixtures: string): Promise<Recording[]> {
  const requests = await readRequests(fixtures);
  return Promise.all(
    requests.map(async ({ id, request }) => {
      const folder = join(fixtures, 'model', id);
      const classification =
        engineOf(request) === null
          ? await readReply(join(folder, 'classify.yaml'), classifyReplySchema)
          : null;
      const engine = engineOf(request)?.engine ?? classification?.engine ?? 'runtime';
      const numbers = (await readdir(folder)).flatMap((file) => /^(\d+)\.yaml$/.exec(file)?.[1] ?? []);
      if (numbers.length === 0) throw new Error(`${folder} holds no recorded reply`);
      const files = numbers.sort((a, b) => Number(a) - Number(b)).map((number) => `${number}.yaml`);
      const schema: z.ZodType<ModelReply | SgReply> = engine === 'sg' ? sgReplySchema : replySchema;
      const replies = files.map(async (file) => ({
        file,
        reply: await readReply(join(folder, file), schema),
      }));
      return { id, request, engine, classification, replies: await Promise.all(replies) };
    }),
  );
}

async function readReply<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(parseYaml(await readFile(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path} is not a reply: ${parsed.error.message}`);
  return parsed.data;
}
