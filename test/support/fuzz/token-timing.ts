/**
 * Bad tokens over a real connection: whether their answers are the same bytes, and what they take. Kinds take turns
 * in an order of their own each time, so that whatever else the machine does falls on all of them alike.
 */
import { median } from '../../../bench/median.ts';
import { picker } from './picker.ts';
import { RawConnection } from './raw-http.ts';

export interface TokenKind {
  readonly name: string;
  /** `null`: no header at all. */
  readonly authorization: string | null;
}

export interface TokenFigures {
  readonly name: string;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Rank test against all the others: beyond ±3 chance alone is unlikely. */
  readonly z: number;
}

export interface TokenTimes {
  /** Different answers there were; one is right. */
  readonly answers: readonly string[];
  readonly figures: readonly TokenFigures[];
}

/** What no answer has to have in common with another. */
const OWN_HEADERS = new Set(['date', 'x-request-id', 'cf-ray']);

export async function timeTokens(
  port: number,
  path: string,
  kinds: readonly TokenKind[],
  rounds: number,
  seed: number,
): Promise<TokenTimes> {
  const connection = new RawConnection(port);
  const times = new Map(kinds.map(({ name }) => [name, [] as number[]]));
  const answers = new Set<string>();
  const { int } = picker(seed, 0);
  for (let round = -Math.ceil(rounds / 10); round < rounds; round += 1) {
    const order = [...kinds];
    while (order.length > 0) {
      const [kind] = order.splice(int(order.length), 1);
      if (kind === undefined) break;
      const token = kind.authorization === null ? '' : `authorization: ${kind.authorization}\r\n`;
      const answer = await connection.send(
        `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${token}\r\n`,
        null,
      );
      // The first rounds warm up.
      if (round < 0) continue;
      times.get(kind.name)?.push(answer.durationMs);
      const headers = [...answer.headers].filter(([name]) => !OWN_HEADERS.has(name));
      answers.add(JSON.stringify([answer.status, headers, answer.body.toString()]));
    }
  }
  connection.close();
  const figures = [...times].map(([name, own]) => {
    const others = [...times].filter(([one]) => one !== name).flatMap(([, all]) => all);
    const p95Ms = [...own].sort((a, b) => a - b)[Math.floor(own.length * 0.95)] ?? 0;
    return { name, medianMs: median(own), p95Ms, z: rankTest(own, others) };
  });
  return { answers: [...answers], figures };
}

/** Mann-Whitney U as a standard score; ties are as good as none among times in nanoseconds. */
function rankTest(own: readonly number[], others: readonly number[]): number {
  const all = [
    ...own.map((time) => ({ time, mine: true })),
    ...others.map((time) => ({ time, mine: false })),
  ];
  all.sort((a, b) => a.time - b.time);
  const ranks = all.reduce((sum, { mine }, at) => sum + (mine ? at + 1 : 0), 0);
  const [n, m] = [own.length, others.length];
  const u = ranks - (n * (n + 1)) / 2;
  return (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
}
