/** Every answer a test gets is held against what its route declares, which is what the OpenAPI document says. */
import { errorsOf } from '../../src/api/openapi.ts';
import type { Route } from '../../src/api/route.ts';
import { ROUTES } from '../../src/api/routes.ts';
import { DIGEST_HEADER, errorBody } from '../../src/schema/api.ts';

const patterns = ROUTES.map((one) => ({
  one,
  pattern: new RegExp(`^${one.path.replace(/:[A-Za-z0-9]+/g, '[^/]+').replace('*', '.+')}$`),
}));

/** @throws Error when a route answers a status, code or body that it does not declare */
export function assertDeclared(method: string, path: string, response: Response, body: unknown): void {
  const pathname = new URL(path, 'http://assay.test').pathname;
  const found = patterns.find(
    ({ one, pattern }) => one.method === method.toLowerCase() && pattern.test(pathname),
  );
  if (found !== undefined) assertAnswer(found.one, response, body);
}

function assertAnswer(one: Route, response: Response, body: unknown): void {
  const name = `${one.method} ${one.path}`;
  const declared = one.answers[response.status];
  if (declared === undefined) {
    const { code } = errorBody.parse(body);
    if (errorsOf(one).some((known) => known === code)) return;
    throw new Error(`${name} answers ${response.status} ${code}, which it does not declare`);
  }
  const type = response.headers.get('content-type')?.split(';')[0];
  const types = [declared.type?.split(';')[0] ?? 'application/json', declared.or];
  if (declared.schema !== undefined && !types.includes(type)) {
    throw new Error(`${name} answers ${type}, which it does not declare`);
  }
  // Stored bytes are answered as they are, and some tests store what is no real report.
  if (declared.schema === undefined || type === declared.or || response.headers.has(DIGEST_HEADER)) return;
  const parsed = declared.schema.safeParse(body);
  if (!parsed.success)
    throw new Error(`${name} answers another body than it declares: ${parsed.error.message}`);
}
