/** One JSON object per line on stderr. Never given request bodies, file contents or tokens. */
let write = (line: string): void => void process.stderr.write(line);

export function log(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
}

/** For a program whose stderr is read by people: events go to `sink` instead. */
export function logTo(sink: (line: string) => void): void {
  write = sink;
}
