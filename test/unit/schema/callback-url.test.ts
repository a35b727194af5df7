/** Where webhooks may go: what is refused everywhere, and what only local development may name. */
import { describe, expect, test } from 'vitest';
import { callbackProblem, callbackUrl, MAX_CALLBACK_URL_CHARS } from '../../../src/schema/callback-url.ts';

describe('outside local development', () => {
  test.each([
    'https://hooks.example.com/assay',
    'https://hooks.example.com:443/assay?token=a%20b&x=1',
    'HTTPS://Hooks.Example.COM',
    'https://xn--bcher-kva.example.com/',
    'https://a.b.c.d.example.co.uk/x//y/../z',
    'https://localhost.example.com/',
    'https://10.0.0.1.example.com/',
    'https://example.com/?next=http://127.0.0.1/',
  ])('%s is taken', (url) => {
    expect(callbackProblem(url, false)).toBeNull();
    expect(callbackUrl.safeParse(url).success).toBe(true);
  });

  test.each([
    // Other schemes and ports.
    'http://example.com/',
    'https://example.com:8443/',
    'https://example.com:80/',
    'https://example.com:22/',
    // This machine.
    'https://localhost/',
    'https://LOCALHOST/',
    'https://localhost./',
    'https://api.localhost/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0/',
    'https://0.0.0.0/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0.0.1/',
    'https://017700000001/',
    'https://0177.0.0.01/',
    'https://127.0.0.1./',
    'https://127%2e0%2e0%2e1/',
    // Private, link-local with a cloud's credentials, carrier-grade NAT, multicast, reserved, public.
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://93.184.216.34/',
    // IPv6: loopback, unspecified, mapped, 6to4, NAT64, unique local, link-local, multicast, public.
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::127.0.0.1]/',
    'https://[2002:7f00:1::]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fc00::1]/',
    'https://[fd12:3456::1]/',
    'https://[fe80::1]/',
    'https://[ff02::1]/',
    'https://[2606:4700::1111]/',
    // Names that are not public.
    'https://intranet/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://db.corp/',
    'https://nas.lan/',
    'https://nas.home.arpa/',
    'https://router.home/',
    'https://1.0.0.127.in-addr.arpa/',
    'https://abcdefghij.onion/',
    'https://hooks.test/',
    'https://hooks.invalid/',
    'https://hooks.example/',
    // Names that are none.
    'https://example.com./',
    'https://example..com/',
    'https://-a.example.com/',
    'https://a_b.example.com/',
    'https://*.example.com/',
    'https://example.c0m-/',
    'https://example.123abc/',
    `https://${'a.'.repeat(130)}com/`,
    `https://${'a'.repeat(64)}.com/`,
  ])('%s is refused', (url) => {
    expect(callbackProblem(url, false)).not.toBeNull();
  });
});

describe('everywhere', () => {
  test.each([
    ['no URL', 'hooks.example.com'],
    ['nothing', ''],
    ['a path', '/hooks'],
    ['no slashes', 'https:example.com'],
    ['one slash', 'https:/example.com'],
    ['three slashes', 'https:///example.com'],
    ['another scheme', 'ftp://example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:text/plain,x'],
    ['javascript', 'javascript:alert(1)'],
    ['a user', 'https://user@example.com/'],
    ['a user and password', 'https://user:pass@example.com/'],
    ['an empty user', 'https://@example.com/'],
    ['a host that is a user', 'https://example.com@127.0.0.1/'],
    ['a fragment', 'https://example.com/#x'],
    ['an empty fragment', 'https://example.com/#'],
    ['a blank', 'https://example.com/a b'],
    ['a leading blank', ' https://example.com/'],
    ['a line break in the name', 'https://exam\nple.com/'],
    ['a tab', 'https://example.com/\t'],
    ['a NUL', 'https://example.com/\u0000'],
    ['a backslash', 'https://example.com\\@127.0.0.1/'],
    ['full-width digits', 'https://１２７.0.0.1/'],
    ['ideographic full stops', 'https://127。0。0。1/'],
    ['an international name in letters', 'https://bücher.example.com/'],
    ['circled letters', 'https://ⓔxample.com/'],
    ['a soft hyphen', 'https://local\u00adhost/'],
    ['a port that is none', 'https://example.com:99999/'],
    ['a zone', 'https://[fe80::1%25eth0]/'],
    ['an address with too many parts', 'https://1.2.3.4.5/'],
    ['an address out of range', 'https://256.0.0.1/'],
    ['too long', `https://example.com/${'a'.repeat(MAX_CALLBACK_URL_CHARS)}`],
  ])('%s is refused', (_what, url) => {
    expect(callbackUrl.safeParse(url).success).toBe(false);
    if (url.length <= MAX_CALLBACK_URL_CHARS) expect(callbackProblem(url, true)).not.toBeNull();
  });
});

test.each(['http://127.0.0.1:8080/hook', 'http://localhost/', 'https://[::1]:8443/'])(
  'local development may name %s',
  (url) => {
    expect(callbackUrl.safeParse(url).success).toBe(true);
    expect(callbackProblem(url, true)).toBeNull();
  },
);
