import { afterEach, expect, test, vi } from 'vitest';
import { log, MAX_LOGGED_CHARS, setLogLevel } from '../../src/logger.ts';

afterEach(() => {
  vi.restoreAllMocks();
  setLogLevel('info');
});

function lines(): string[] {
  const seen: string[] = [];
  for (const name of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, name).mockImplementation((line: string) => void seen.push(line));
  }
  return seen;
}

test('one line of JSON, facts without a value left out', () => {
  const seen = lines();
  log('warn', 'step_failed', { step: 'verify 1.1', code: 'INTERNAL', message: 'a\nb', org: undefined });
  expect(seen).toEqual([
    '{"level":"warn","event":"step_failed","step":"verify 1.1","code":"INTERNAL","message":"a\\nb"}',
  ]);
});

test.each([
  ['a token of ours', `assay_${'a'.repeat(43)}`],
  ['a key of the model', 'sk-ant-api03-abcdefgh'],
  ['a webhook secret', 'whsec_MfKQ9r8GKYqrTwjU'],
  ['a header', 'Bearer 0123456789abcdef'],
  ['a private key, bare', 'MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF'],
  ['a private key, PEM', '-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----'],
])('%s is blotted out wherever it stands', (_name, secret) => {
  const seen = lines();
  log('error', 'unexpected', { message: `it said ${secret}` });
  expect(seen[0]).toContain('it said [removed]');
  expect(seen[0]).not.toContain(secret.slice(-12));
});

test('long texts are cut, and what is below the level is not written', () => {
  const seen = lines();
  log('info', 'a', { message: 'é'.repeat(2 * MAX_LOGGED_CHARS) });
  expect((JSON.parse(seen[0] ?? '') as { message: string }).message).toHaveLength(MAX_LOGGED_CHARS + 1);
  setLogLevel('error');
  log('info', 'b');
  log('warn', 'c');
  log('error', 'd');
  expect(seen.slice(1).map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['d']);
});
