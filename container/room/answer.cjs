'use strict';
// Says what came of a check, as text made of primitives. Shared by every runner of checks. Everything it
// needs is captured when it is loaded, which is before the check is.

// The supervisor's own limits are what counts; these only keep a hostile answer short.
const MAX_TEXT_CHARS = 8192;
const USUAL_MOST_FINDINGS = 1001;

const { stringify } = JSON;
const { isArray } = Array;
const { isFinite: isFiniteNumber } = Number;
const slice = Function.prototype.call.bind(String.prototype.slice);
const FIELDS = ['file', 'message', 'line', 'column', 'severity'];

/** Primitives only: JSON.stringify on an object would call a patched toJSON. */
function encode(value) {
  switch (typeof value) {
    case 'string':
      return stringify(slice(value, 0, MAX_TEXT_CHARS));
    case 'number':
      return isFiniteNumber(value) ? `${value}` : '{"type":"non-finite number"}';
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      return value === null ? 'null' : `{"type":"${isArray(value) ? 'array' : typeof value}"}`;
  }
}

function encodeFinding(finding) {
  if (typeof finding !== 'object' || finding === null || isArray(finding)) return encode(finding);
  let text = '';
  for (let i = 0; i < 5; i += 1) {
    const value = finding[FIELDS[i]];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}"${FIELDS[i]}":${encode(value)}`;
  }
  return `{${text}}`;
}

/**
 * @param send called at most once, with the kind of frame and its JSON text
 * @param mostFindings how many of the findings are sent
 */
module.exports = function answersTo(send, mostFindings = USUAL_MOST_FINDINGS) {
  let sent = false;

  function result(value) {
    if (value === undefined || value === null) {
      finish('R', '[]');
      return;
    }
    if (!isArray(value)) {
      finish('R', encode(typeof value === 'object' ? { __proto__: null } : value));
      return;
    }
    const count = value.length;
    let text = '';
    for (let i = 0; i < count && i < mostFindings; i += 1) {
      text += (i === 0 ? '' : ',') + encodeFinding(value[i]);
    }
    finish('R', `[${text}]`);
  }

  function finish(kind, body) {
    if (sent) return;
    sent = true;
    send(kind, body);
  }

  /** What was thrown, as primitives; reading it may run hostile getters, which may throw in turn. */
  function thrown(what) {
    const parts = { __proto__: null, name: 'Error', message: '', stack: '', code: '' };
    try {
      if (typeof what === 'object' && what !== null) {
        for (const key in parts) {
          const value = what[key];
          if (typeof value === 'string') parts[key] = value;
        }
      } else {
        parts.name = 'Thrown';
        parts.message = typeof what === 'symbol' ? 'a symbol' : `${what}`;
      }
    } catch {
      parts.message = 'the thrown value could not be read';
    }
    let text = '';
    for (const key in parts) text += `${text === '' ? '' : ','}"${key}":${encode(parts[key])}`;
    finish('E', `{${text}}`);
  }

  function own(name, message) {
    finish('E', `{"name":${encode(name)},"message":${encode(message)},"stack":"","code":""}`);
  }

  return { result, thrown, own, sent: () => sent };
};
