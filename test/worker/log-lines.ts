/** Reads the lines the service logs while something runs. */
import { vi } from 'vitest';
import { setLogLevel } from '../../src/logger.ts';

export interface LogLines<T> {
  readonly result: T;
  readonly text: string;
  readonly parsed: readonly Record<string, unknown>[];
}

export const SELF_LOG = {
  async during<T>(body: () => Promise<T>): Promise<LogLines<T>> {
    const lines: string[] = [];
    const spies = (['log', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((line: string) => void lines.push(line)),
    );
    setLogLevel('info');
    try {
      const result = await body();
      const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      return { result, text: lines.join('\n'), parsed };
    } finally {
      setLogLevel('warn');
      for (const spy of spies) spy.mockRestore();
    }
  },
};
