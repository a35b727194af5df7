/** Bundles that are spoilt as text, before anybody looks at a signature. */
import { type Bench, base64, bundled, type Vector } from './vector.ts';

export function bundleTextVectors({ signed, rebundle }: Bench): Vector[] {
  const good = new TextDecoder().decode(signed.bundle);
  const value = JSON.parse(good);
  const text = (
    name: string,
    changed: string | Uint8Array,
    expect: Vector['expect'] = 'bundle_not_canonical',
  ) => bundled(`bundle-text/${name}`, expect, changed);
  return [
    {
      name: 'bundle-text/too-large',
      expect: 'bundle_too_large',
      bundleRepeats: { text: ' ', count: 16 * 1024 * 1024 + 1 },
    },
    {
      name: 'bundle-text/largest-that-is-read',
      expect: 'bundle_not_json',
      bundleRepeats: { text: ' ', count: 16 * 1024 * 1024 },
    },
    text('empty', '', 'bundle_not_json'),
    text('truncated', good.slice(0, good.length / 2), 'bundle_not_json'),
    text('cut-by-one', good.slice(0, -2), 'bundle_not_json'),
    text('not-utf8', Uint8Array.from([0xff, 0xfe, 0x7b, 0x7d]), 'bundle_not_json'),
    text('utf16', new Uint8Array(Buffer.from(good, 'utf16le')), 'bundle_not_json'),
    text('byte-order-mark', `\ufeff${good}`, 'bundle_not_json'),
    text('yaml', 'mediaType: application/vnd.dev.sigstore.bundle.v0.3+json\n', 'bundle_not_json'),
    text('comment', `// signed\n${good}`, 'bundle_not_json'),
    text('trailing-comma', good.replace(/\n}\n$/, ',\n}\n'), 'bundle_not_json'),
    text('two-documents', good + good, 'bundle_not_json'),
    text('nan', good.replace(/"mediaType": "[^"]*"/, '"mediaType": NaN'), 'bundle_not_json'),
    text('null', 'null\n', 'bundle_version_unknown'),
    text('array', '[]\n', 'bundle_version_unknown'),
    text('string', '"x"\n', 'bundle_version_unknown'),
    text('minified', `${JSON.stringify(value)}\n`),
    text('tabs', `${JSON.stringify(value, null, '\t')}\n`),
    text('four-spaces', `${JSON.stringify(value, null, 4)}\n`),
    text('no-final-newline', good.slice(0, -1)),
    text('two-final-newlines', `${good}\n`),
    text('crlf', good.replaceAll('\n', '\r\n')),
    text('leading-space', ` ${good}`),
    text('trailing-space', good.replace('",\n', '", \n')),
    text('escaped-letter', good.replace('"mediaType"', '"\\u006dediaType"')),
    text('escaped-slash', good.replace('application/vnd.in-toto+json', 'application\\/vnd.in-toto+json')),
    text(
      'duplicate-key',
      good.replace('{\n', '{\n  "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",\n'),
    ),
    text(
      'duplicate-payload',
      good.replace('"payloadType"', '"payload": "e30=",\n    "payloadType"'),
      'bundle_not_canonical',
    ),
    text(
      'keys-in-another-order',
      `${JSON.stringify({ dsseEnvelope: value.dsseEnvelope, ...value }, null, 2)}\n`,
    ),
    text(
      'proto-key',
      rebundle((bundle) => Object.defineProperty(bundle, '__proto__', { value: {}, enumerable: true })),
      'bundle_malformed',
    ),
    {
      name: 'bundle-text/of-another-rule',
      expect: 'file_missing',
      remove: ['check.ts'],
      bundle: base64(good),
    },
  ];
}
