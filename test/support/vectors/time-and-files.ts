/** Windows of keys, clocks, revoked bundles, and files that are not those that were signed. */
import { publicKeyPem } from '../../../src/signing/ed25519.ts';
import { type Bench, base64, bundled, type SignerFacts, type Vector } from './vector.ts';

/** The good statement says it was signed at 2026-01-01T00:00:01.000Z. */
export function timeVectors({ signed, restate }: Bench): Vector[] {
  const within = (name: string, window: Partial<SignerFacts>, expect: Vector['expect']): Vector => ({
    name: `time/${name}`,
    expect,
    signers: [
      {
        ...{
          name: 'signer',
          publicKey: publicKeyPem(signed.publicKey),
          notBefore: null,
          notAfter: null,
          revoked: null,
        },
        ...window,
      },
    ],
  });
  const future = restate((s) => {
    s.predicate.signedAt = '2026-06-01T00:05:01.000Z';
  });
  const skewed = restate((s) => {
    s.predicate.signedAt = '2026-06-01T00:04:59.000Z';
  });
  return [
    within('key-not-yet-valid', { notBefore: '2026-01-01T00:00:01.001Z' }, 'key_not_yet_valid'),
    within('key-valid-from-that-moment', { notBefore: '2026-01-01T00:00:01.000Z' }, 'verified'),
    within('key-expired', { notAfter: '2026-01-01T00:00:00.999Z' }, 'key_expired'),
    within('key-valid-until-that-moment', { notAfter: '2026-01-01T00:00:01.000Z' }, 'verified'),
    within('key-retired-later', { notAfter: '2026-03-01T00:00:00.000Z' }, 'verified'),
    bundled('time/signed-in-future', 'signed_in_future', future),
    bundled('time/clock-a-little-behind', 'verified', skewed),
    { name: 'time/clock-far-behind', expect: 'signed_in_future', now: '2025-01-01T00:00:00.000Z' },
    {
      name: 'time/bundle-revoked',
      expect: 'bundle_revoked',
      revokedBundles: { [signed.bundleSha256]: 'it misfires' },
    },
    { name: 'time/another-bundle-revoked', expect: 'verified', revokedBundles: { ['ab'.repeat(32)]: 'x' } },
  ];
}

export function fileVectors({ signed }: Bench): Vector[] {
  const text = (path: string): string => new TextDecoder().decode(signed.files.get(path));
  const set = (
    name: string,
    path: string,
    content: string,
    expect: Vector['expect'] = 'file_changed',
  ): Vector => ({
    name: `files/${name}`,
    expect,
    set: { [path]: base64(content) },
  });
  const check = text('check.ts');
  const renamed = (name: string, from: string, to: string): Vector => ({
    name: `files/${name}`,
    expect: 'file_missing',
    remove: [from],
    set: { [to]: base64(text(from)) },
  });
  const [capture = ''] = [...signed.files.keys()].filter((path) => path.startsWith('captures/'));
  const [test = ''] = [...signed.files.keys()].filter((path) => path.startsWith('.tests/invalid/'));
  return [
    set('check-changed', 'check.ts', check.replace('eval', 'evil')),
    set('check-empty', 'check.ts', ''),
    set('check-crlf', 'check.ts', check.replaceAll('\n', '\r\n')),
    set('check-byte-order-mark', 'check.ts', `\ufeff${check}`),
    set('check-final-newline', 'check.ts', `${check}\n`),
    set('check-cut', 'check.ts', check.slice(0, -1)),
    set('capture-changed', capture, `${text(capture)}\n`),
    set('capture-of-another', capture, check),
    set('case-changed', test, `${text(test)} `),
    ...['check.ts', capture, test].map(
      (path, index): Vector => ({
        name: `files/${['check', 'capture', 'case'][index]}-missing`,
        expect: 'file_missing',
        remove: [path],
      }),
    ),
    { name: 'files/all-missing', expect: 'file_missing', remove: [...signed.files.keys()] },
    renamed('check-renamed', 'check.ts', 'Check.ts'),
    renamed('check-moved', 'check.ts', 'src/check.ts'),
    renamed('capture-renamed', capture, capture.replace('.yml', '.yaml')),
    set('capture-added', 'captures/more.yml', 'id: x\n', 'file_not_signed'),
    set('capture-hidden-added', 'captures/.more.yml', 'id: x\n', 'file_not_signed'),
    set('case-added', '.tests/valid/more/a.ts', '', 'file_not_signed'),
    set('module-added', 'helper.ts', 'export {};\n', 'file_not_signed'),
    set('package-added', 'package.json', '{"type":"commonjs"}', 'file_not_signed'),
    set('backup-added', 'check.ts~', check, 'file_not_signed'),
    set('path-dot-added', './check.ts', check, 'file_not_signed'),
    set('path-of-prototype-added', '__proto__', '', 'file_not_signed'),
    set('name-decomposed-added', 'che\u0301ck.ts', check, 'file_not_signed'),
  ];
}
