/** The environment of every wrangler that serves on this machine: no metrics, no prompts, no look-ups outside, no traces. */
export function wranglerEnv(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: process.env.HOME ?? '/tmp',
    CI: '1',
    WRANGLER_SEND_METRICS: 'false',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    NO_COLOR: '1',
    // wrangler would keep a trace of every call in SQLite, a thousand pages of it at a time, on the one thread that serves;
    // and answer what it kept beside our own routes.
    X_LOCAL_OBSERVABILITY: 'false',
    X_LOCAL_EXPLORER: 'false',
  };
}
