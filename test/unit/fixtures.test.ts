/** The fixtures are what they claim to be; that the rules behave is proven by verifying them elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { replySchema } from '../../src/schema/reply.ts';
import { requestSchema } from '../../src/schema/request.ts';
import { canonicalLanguage } from '../../src/schema/rule.ts';

const RULES = fileURLToPath(new URL('../../fixtures/rules', import.meta.url));
const MODEL = fileURLToPath(new URL('../../fixtures/model', import.meta.url));
const ids = readdirSync(RULES).sort();

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

  const files = readdirSync(`${MODEL}/${id}`);

  it('has replies numbered from 1 without a gap', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(new Set(files)).toEqual(new Set(files.map((_, index) => `${index + 1}.yaml`)));
  });

  it.each(files)('reply %s has the shape that is asked of the model', (file) => {
    const text = readFileSync(`${MODEL}/${id}/${file}`, 'utf8');
    expect(text).toMatch(/^# /);
    const reply = replySchema.parse(parseYaml(text));
    expect(reply.name).toBe(id);
    for (const capture of reply.captures) {
      expect(canonicalLanguage(capture.language)).not.toBeNull();
      expect(parseYaml(capture.yaml)).toHaveProperty('rule');
    }
  });
});
