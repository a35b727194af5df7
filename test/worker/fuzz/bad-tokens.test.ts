/**
 * Missing, malformed, wrong, revoked and expired tokens on every route that needs one: the same bytes, for the same
 * work. Time itself is not asserted: `npm run fuzz` prints it.
 */
import { env } from 'cloudflare:workers';
import { expect, inject, test, vi } from 'vitest';
import { app } from '../../../src/api/app.ts';
import { REQUEST_ID_HEADER } from '../../../src/api/observe.ts';
import { ROUTES } from '../../../src/api/routes.ts';
import { call, run } from '../client.ts';
import { notedBindings } from '../noted-bindings.ts';

async function tokens(): Promise<Record<string, string | null>> {
  const make = async () => {
    const body = { name: 'x', scopes: ['admin'], expiresInDays: 1 };
    const answer = await call<{ id: string; token: string }>('/v1/tokens', { method: 'POST', body });
    return answer.body;
  };
  const revoked = await make();
  await call(`/v1/tokens/${revoked.id}`, { method: 'DELETE' });
  const expired = await make();
  await env.DB.prepare("UPDATE tokens SET expires_at = '2026-01-01T00:00:00.000Z' WHERE id = ?1")
    .bind(expired.id)
    .run();
  const good = inject('tokens').first;
  return {
    missing: null,
    empty: 'Bearer ',
    'another scheme': `Basic ${good}`,
    wrong: 'Bearer wrong',
    'right but for its end': `Bearer ${good}x`,
    'too long': `Bearer ${'x'.repeat(2_000)}`,
    revoked: `Bearer ${revoked.token}`,
    expired: `Bearer ${expired.token}`,
  };
}

test('every bad token gets the same bytes for the same work, whatever it asks for', async () => {
  const { id } = await run('good');
  const { bindings, noted } = notedBindings();
  // The configuration is checked once, whoever asks first.
  await app.request('/healthz', {}, bindings);
  const digest = vi.spyOn(crypto.subtle, 'digest');
  const answers = new Map<string, string>();
  for (const [name, authorization] of Object.entries(await tokens())) {
    for (const { method, path, scope } of ROUTES.filter(
      (one) => one.scope !== null && one.onFault === undefined,
    )) {
      noted.length = 0;
      digest.mockClear();
      const init = {
        method: method.toUpperCase(),
        ...(authorization === null ? {} : { headers: { authorization } }),
      };
      const answer = await app.request(path.replace(':id', id).replace(/:\w+/, '1'), init, bindings);
      const said = {
        status: answer.status,
        headers: [...answer.headers].filter(([name]) => name !== REQUEST_ID_HEADER),
        text: await answer.text(),
        hashes: digest.mock.calls.length,
        noted: [...noted],
      };
      answers.set(JSON.stringify(said), `${name}: ${method} ${path} (${scope})`);
    }
  }
  digest.mockRestore();
  expect([...answers.values()], [...answers.keys()].join('\n')).toHaveLength(1);
  const [first = ''] = answers.keys();
  expect(JSON.parse(first)).toMatchObject({
    status: 401,
    hashes: 1,
    noted: [
      'DB.prepare SELECT * FROM tokens WHERE sha256 = ?1',
      'DB.prepare.bind 1',
      'DB.prepare.bind.first 0',
      'AUTH_LIMIT.limit 1',
    ],
  });
});
