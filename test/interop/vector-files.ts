/**
 * Ed25519 vectors of other projects, by commit and digest: fetched when asked for, kept in a cache, never
 * part of this repository. A file with another digest is not used, wherever it came from.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';

export interface VectorFile {
  readonly name: 'wycheproof' | 'speccheck';
  readonly file: string;
  readonly url: string;
  /** SHA-256 of the file, lower-case hex. */
  readonly sha256: string;
  readonly licence: string;
}

export const VECTOR_FILES: readonly VectorFile[] = [
  {
    name: 'wycheproof',
    file: 'ed25519_test.json',
    url: 'https://raw.githubusercontent.com/C2SP/wycheproof/dac1dd4729fd1f8dd9e1e9f3dce51d783da6c166/testvectors_v1/ed25519_test.json',
    sha256: '752d2ea7d7c6cf4736381b6cbacb61f8182b126ab7cd9b058f00c50084975536',
    licence: 'Apache-2.0',
  },
  {
    name: 'speccheck',
    file: 'cases.json',
    url: 'https://raw.githubusercontent.com/novifinancial/ed25519-speccheck/65519336fda78a3d016e947df6d82848aca0c9da/cases.json',
    sha256: '08e47a36d9aead288664930505584f353fff113ab854f2800db1e4f5b3540450',
    licence: 'Apache-2.0',
  },
];

const FETCH_TIMEOUT_MS = 20_000;
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * @param folder where a person put the files, or `undefined` to look in the cache and then fetch
 * @returns the text, or why there is none
 */
export async function readVectors(
  one: VectorFile,
  cache: string,
  folder: string | undefined,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  const kept = join(folder ?? cache, one.file);
  const bytes = await readFile(kept).catch(() => null);
  if (bytes !== null && digestOf(bytes) === one.sha256) return { text: bytes.toString('utf8') };
  if (folder !== undefined) {
    return { problem: `${kept} ${bytes === null ? 'is not there' : 'is not the file of that commit'}` };
  }
  try {
    const response = await fetch(one.url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    const fetched = Buffer.from(await response.arrayBuffer());
    if (!response.ok) return { problem: `${one.url} answered ${response.status}` };
    if (fetched.length > MAX_BYTES || digestOf(fetched) !== one.sha256) {
      return { problem: `${one.url} is not the file of that commit` };
    }
    await mkdir(cache, { recursive: true });
    await writeFile(kept, fetched);
    return { text: fetched.toString('utf8') };
  } catch (error) {
    return { problem: `${one.url} cannot be fetched (${messageOf(error)})` };
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
