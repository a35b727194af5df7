/** The fixtures are what they claim to be; that the rules behave is proven by verifying them elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRecordings } from '../../dev/fixtures.ts';
import { requestSchema } from '../../src/schema/request.ts';
import { DRAFT } from '../../src/steps/draft-rule.ts';

const RULES = fileURLToPath(new URL('../../fixtures/rules', import.meta.url));
const MODEL = fileURLToPath(new URL('../../fixtures/model', import.meta.url));
const ids = readdirSync(RULES).sort();
const recordings = await readRecordings(fileURLToPath(new URL('../../fixtures', import.meta.url)));

function requestOf(id: string) {
  return requestSchema.parse(JSON.parse(readFileSync(`${RULES}/${id}/request.json`, 'utf8')));
}

it('has replies for every rule and rules for every reply', () => {
  expect(readdirSync(MODEL).sort()).toEqual(ids);
});

it('has prompts that cannot be taken for one another', () => {
  const prompts = ids.map((id) => requestOf(id).prompt);
  for (const prompt of prompts) {
    expect(prompts.filter((other) => other.includes(prompt))).toHaveLength(1);
  }
});

describe.each(ids)('%s', (id) => {
  it('is a request with at least as many valid cases as invalid ones', () => {
    const { name, cases } = requestOf(id);
    expect(name).toBe(id);
    const valid = cases.filter((one) => one.kind === 'valid').length;
    expect(valid).toBeGreaterThanOrEqual(cases.length - valid);
  });

  it('expects findings on lines that exist', () => {
    for (const one of requestOf(id).cases) {
      for (const { file, line } of one.findings ?? []) {
        expect(
          one.files[file]?.split('\n')[(line ?? 1) - 1]?.trim(),
          `${one.name}: ${file}:${line}`,
        ).toBeTruthy();
      }
    }
  });

  const { engine, classification, replies } = recordings.find((one) => one.id === id) ?? never();
  const files = readdirSync(`${MODEL}/${id}`);

  it('has replies numbered from 1 without a gap, and a classification where the engine is open', () => {
    const numbered = replies.map((_, index) => `${index + 1}.yaml`);
    const expected = classification === null ? numbered : [...numbered, 'classify.yaml'];
    expect(new Set(files)).toEqual(new Set(expected));
  });

  it.each(files)('reply %s says what is right or wrong with it', (file) => {
    expect(readFileSync(`${MODEL}/${id}/${file}`, 'utf8')).toMatch(/^# /);
  });

  it.each(replies)('reply $file can be drafted to a rule of its engine', async ({ reply }) => {
    expect(reply.name).toBe(id);
    const drafted = await DRAFT[engine](JSON.stringify(reply), requestOf(id));
    expect(drafted).toMatchObject({ ok: true, value: { rule: { name: id, engine } } });
  });
});

function never(): never {
  throw new Error('a request without a recording');
}
