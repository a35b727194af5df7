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
    /** Of this call: the caller's `x-request-id` where it is a sane one, else ours. */
    requestId: string;
    /** Pattern of the route that answers; absent where there is none. */
    route?: string;
    /** Of the error that was answered. */
    code?: string;
  };
}
