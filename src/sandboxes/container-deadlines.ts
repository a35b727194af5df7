/**
 * The container back end's part of the deadline ladder. A call waits for its container, asks it once and ends
 * it; the three together stay below the step's timeout, so that the step's own is never what ends a call.
 */

/** From the beginning of a call until its container has answered: the wait at the gate and the start. */
export const READY_WITHIN_MS = 60_000;
/** A cold start takes 1 to 7 s, seldom up to a minute; one that takes longer is tried again under a new id. */
export const START_TIMEOUT_MS = 45_000;
/** What a start must be left of {@link READY_WITHIN_MS}: who is let in later than that would start in vain. */
export const MIN_START_MS = 20_000;
/** One `/healthz`, the start it sets off included. Then it is asked again. */
export const HEALTH_TRY_MS = 10_000;
/** Destroying the container and telling the gate. What did not happen in time is the gate's to do. */
export const END_TIMEOUT_MS = 6_000;
/** The platform's own backstop, for a container that everybody forgot. Longer than a step. */
export const SLEEP_AFTER_SECONDS = 240;
