/** The one page of the login, made on the server: no script, no other origin, nothing a frame could hold. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { AppEnv } from '../context.ts';
import { newToken } from '../ids.ts';

export const HTML_TYPE = 'text/html; charset=utf-8';

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.4rem } label { display: block; margin: 1rem 0 .25rem; font-weight: 600 }
input { font: inherit; width: 100%; padding: .5rem; box-sizing: border-box; border: 1px solid #777; border-radius: .25rem }
button { font: inherit; padding: .5rem 1.25rem; margin: 1.25rem .75rem 0 0; border: 1px solid #333; border-radius: .25rem; background: #fff }
button[value=approve] { background: #14532d; color: #fff } .note { color: #555 } .bad { color: #991b1b }
code { overflow-wrap: anywhere }`;

/** HTML that is safe to put into a page: only `html` and `text` make it. */
export interface Html {
  readonly html: string;
}

/** Text of anybody's as HTML. */
export function text(value: string): Html {
  const html = value.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
  return { html };
}

/** A template whose values are texts, or HTML that was made here. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const filled = parts.map((part, at) => {
    const value = values[at] ?? '';
    return part + (typeof value === 'string' ? text(value) : value).html;
  });
  return { html: filled.join('') };
}

export function page(
  context: Context<AppEnv>,
  title: string,
  content: Html,
  status: ContentfulStatusCode = 200,
): Response {
  const nonce = newToken();
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;
  const body = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Assay</title><style nonce="${nonce}">${{ html: STYLE }}</style></head>
<body><main><h1>${title}</h1>${content}</main></body></html>
`;
  return context.body(body.html, status, {
    'content-type': HTML_TYPE,
    'content-security-policy': policy,
    'x-frame-options': 'DENY',
    // Forms of this page still say where they come from; nobody else learns the code.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  });
}
