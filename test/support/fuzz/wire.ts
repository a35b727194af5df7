/** A hostile request as the bytes of its head. Nothing is made proper but what the request leaves to be proper. */
import type { HostileRequest } from './hostile-request.ts';

/** @param host what an honest client would name */
export function headOf({ method, target, headers, body }: HostileRequest, host: string): string {
  const named = new Set(headers.map(([name]) => name.toLowerCase()));
  const own: string[] = [];
  if (!named.has('host')) own.push(`host: ${host}`);
  if (body !== null && !named.has('content-length') && !named.has('transfer-encoding')) {
    own.push(`content-length: ${body.length}`);
  }
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...own,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
