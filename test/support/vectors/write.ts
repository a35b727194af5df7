/** Writes the verification vectors: `npm run vectors`. A test says when they are out of date. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { makeVectors, vectorText } from './make.ts';

const FILE = fileURLToPath(new URL('../../../fixtures/vectors/verification.json', import.meta.url));
const file = await makeVectors();
await writeFile(FILE, vectorText(file));
console.log(`${file.vectors.length} vectors in fixtures/vectors/verification.json`);
