'use strict';
// Turns check.ts into plain JavaScript inside a room, because the parser reads untrusted text: one source for
// each verification, or those of many rules at once. Strip mode replaces types by blanks, so every line and
// column stays where it was.
const fs = require('node:fs');
const { stripTypeScriptTypes } = require('node:module');

// Before there is a source: loading the parser is what takes the time.
stripTypeScriptTypes('', { mode: 'strip' });
const { token, source, sources } = JSON.parse(fs.readFileSync(0, 'utf8'));
const answer = sources === undefined ? strip(source) : sources.map(strip);
const bytes = Buffer.from(`${token} ${JSON.stringify(answer)}\n`);
for (let at = 0; at < bytes.length; ) at += fs.writeSync(3, bytes, at, bytes.length - at);

function strip(text) {
  try {
    return { code: stripTypeScriptTypes(text, { mode: 'strip' }) };
  } catch (error) {
    const line = /^[^\n]*:(\d+)\n/.exec(String(error.stack))?.[1];
    return { error: { message: String(error.message), line: line === undefined ? undefined : Number(line) } };
  }
}
