/**
 * Making text from inside a room safe to store and show: control characters and terminal escapes
 * removed, lone surrogates replaced, length capped. It never interprets the text.
 */

// ESC sequences first, as a whole: removing only the ESC byte would leave `[31m` litter behind.
const TERMINAL_ESCAPES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]/g;
// C0 but tab and newline, DEL, C1, bidi overrides, line/paragraph separators, zero width, BOM.
const CONTROLS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function cleanText(text: string, maxChars: number): string {
  // Cut before cleaning, so that the work is bounded; twice the wanted length leaves room for escapes.
  const cut = text.length > maxChars * 2 ? text.slice(0, maxChars * 2) : text;
  const clean = cut.replace(/\r\n/g, '\n').replace(TERMINAL_ESCAPES, '').replace(CONTROLS, '').toWellFormed();
  return clean.length > maxChars ? `${clean.slice(0, maxChars - 1).toWellFormed()}…` : clean;
}

/** The error text of a caught value of unknown kind. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
