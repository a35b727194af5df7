/** What every handler finds in its Hono context. */
import type { Bindings, Config } from '../env.ts';
import type { Store } from '../store/store.ts';
import type { Caller } from './auth.ts';

export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    config: Config;
    store: Store;
    /** Organisation of the token; every query is scoped by it. */
    orgId: string;
    /** Set together with `orgId`. */
    caller: Caller;
  };
}
