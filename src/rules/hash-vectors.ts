/**
 * The content hash of `check.ts` on fixed inputs, answered to whoever wants to compare an implementation of theirs.
 * The signatures are written down and not computed: they say what must come out, here as everywhere.
 */

export interface HashVector {
  readonly name: string;
  readonly input: string;
  readonly signature: string;
}

const BASE = '7d0f9d1822594679d83800361278d6e3ecb3182669cf1aa2d54469ef6df24dbe';

export const HASH_VECTORS: readonly HashVector[] = [
  vector('lf-baseline', 'rule:\n  id: foo\n  message: no foo\n', BASE),
  vector('crlf-equals-lf', 'rule:\r\n  id: foo\r\n  message: no foo\r\n', BASE),
  vector('no-trailing-newline-equals-single', 'rule:\n  id: foo\n  message: no foo', BASE),
  vector('multiple-trailing-newlines-equal-single', 'rule:\n  id: foo\n  message: no foo\n\n\n', BASE),
  vector('leading-bom-stripped', '\ufeffrule:\n  id: foo\n  message: no foo\n', BASE),
  vector(
    'meaningful-content-change-differs',
    'rule:\n  id: bar\n  message: no foo\n',
    '417c6b37ea6f4f7082836ec875d161cf874bfc19587a6b0ac029a28e56f55bc1',
  ),
  vector(
    'multibyte-utf8',
    'rule:\n  message: caf\u00e9 \u2615 \u65e5\u672c\u8a9e\n',
    '91cccc7d330ab09b77bd4daa31acebb080256e34638516be5b570ba600bf6284',
  ),
  vector(
    'combining-mark-not-nfc-folded',
    'rule:\n  id: cafe\u0301\n',
    '75d78b40aed8ddc5d3e6338644e043d7925907ede842d192ed777507838c29d8',
  ),
  vector('lone-cr-equals-lf', 'rule:\r  id: foo\r  message: no foo\r', BASE),
  vector(
    'empty-input-becomes-single-lf',
    '',
    '01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b',
  ),
  vector(
    'interior-bom-preserved',
    'rule:\n  id: a\ufeffb\n',
    '85c354beeecb2124ea714d37fad08fc25fa0b3c1a3c225de236f38cc264fb9fb',
  ),
  vector(
    'double-leading-bom-strips-one',
    '\ufeff\ufeffrule:\n  id: foo\n  message: no foo\n',
    '644a709d438d1c267bcc615d1ca83977fcaf61fe774443ba9f6f44e371c8af62',
  ),
  vector(
    'astral-utf8-surrogate-pair',
    'rule:\n  message: party \ud83c\udf89\n',
    '13ab09346df90129fc2d562a6bcbf1fad13cdb27bda09091d5355f9876881518',
  ),
];

function vector(name: string, input: string, sha256: string): HashVector {
  return { name, input, signature: `1;h=sha-256;d=${sha256}` };
}
