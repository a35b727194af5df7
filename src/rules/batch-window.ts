/** When a batch may begin items. Pure: the time is handed in. All UTC. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export interface Window {
  /** ISO 8601. */
  readonly notBefore: string | null;
  /** Minutes of the day, both or none. `to` before `from`: over midnight. */
  readonly dailyFrom: number | null;
  readonly dailyTo: number | null;
}

/** When the window opens, as milliseconds; `null` when it is open at `nowMs`. */
export function opensAtMs(window: Window, nowMs: number): number | null {
  const notBeforeMs = window.notBefore === null ? nowMs : Date.parse(window.notBefore);
  const earliestMs = Math.max(nowMs, notBeforeMs);
  const openMs = isInDay(window, earliestMs) ? earliestMs : nextFromMs(window, earliestMs);
  return openMs <= nowMs ? null : openMs;
}

function isInDay({ dailyFrom: from, dailyTo: to }: Window, atMs: number): boolean {
  if (from === null || to === null) return true;
  const minute = (atMs % DAY_MS) / MINUTE_MS;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

function nextFromMs({ dailyFrom }: Window, atMs: number): number {
  const today = atMs - (atMs % DAY_MS) + (dailyFrom ?? 0) * MINUTE_MS;
  return today >= atMs ? today : today + DAY_MS;
}
