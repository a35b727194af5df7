/** The bindings of a Worker that note what is asked of them, one line a call: the work of a request, without its time. */
import { env } from 'cloudflare:workers';
import type { Bindings } from '../../src/env.ts';

export function notedBindings(): { readonly bindings: Bindings; readonly noted: string[] } {
  const noted: string[] = [];
  // The platform's counters are slow to count, and full sometime.
  const limiter = { limit: () => Promise.resolve({ success: true }) };
  const bindings = {
    ...env,
    DB: noting(env.DB, 'DB', noted),
    BUCKET: noting(env.BUCKET, 'BUCKET', noted),
    GENERATE_RULE: noting(env.GENERATE_RULE, 'GENERATE_RULE', noted),
    READ_LIMIT: noting(limiter, 'READ_LIMIT', noted),
    CREATE_LIMIT: noting(limiter, 'CREATE_LIMIT', noted),
    AUTH_LIMIT: noting(limiter, 'AUTH_LIMIT', noted),
  } as Bindings;
  return { bindings, noted };
}

/** Notes every call of a binding's methods, and of what `prepare` gives. */
function noting<T extends object>(target: T, name: string, noted: string[]): T {
  return new Proxy(target, {
    get(of, property) {
      const value: unknown = Reflect.get(of, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        noted.push(`${name}.${String(property)} ${property === 'prepare' ? String(args[0]) : args.length}`);
        const given: unknown = Reflect.apply(value, of, args);
        const statement = property === 'prepare' || property === 'bind';
        return statement ? noting(given as object, `${name}.${String(property)}`, noted) : given;
      };
    },
  });
}
