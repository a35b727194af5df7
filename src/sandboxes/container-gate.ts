/**
 * The one Durable Object that knows every container: it lets starts through one at a time, and destroys what
 * its caller did not, since a Worker may die before its `finally`. Its rules are `container-gate-state.ts`; a
 * container is on record before it may be started, so none can be forgotten.
 */
// biome-ignore lint/style/noRestrictedImports: a Durable Object has to extend the platform's class
import { DurableObject } from 'cloudflare:workers';
import { messageOf } from '../errors.ts';
import { log } from '../logger.ts';
import { END_TIMEOUT_MS } from './container-deadlines.ts';
import {
  abandon,
  EMPTY_GATE,
  enter,
  type GateState,
  type HeldContainer,
  holds,
  leave,
  nextSweepAt,
  overdue,
  renew,
  started,
  sweepFailed,
} from './container-gate-state.ts';
import { withDeadline } from './deadline.ts';

interface GateBindings {
  readonly VERIFICATION_CONTAINER: DurableObjectNamespace<ContainerToDestroy>;
}
interface ContainerToDestroy extends Rpc.DurableObjectBranded {
  destroy(): Promise<void>;
}

const STORAGE_KEY = 'containers';

export class ContainerGate extends DurableObject<GateBindings> {
  #state: GateState = EMPTY_GATE;

  constructor(context: DurableObjectState, bindings: GateBindings) {
    super(context, bindings);
    void context.blockConcurrencyWhile(async () => {
      const containers = await context.storage.get<readonly HeldContainer[]>(STORAGE_KEY);
      // The queue is not kept: who still waits asks again.
      this.#state = { waiting: [], containers: containers ?? [] };
    });
  }

  /** True when the caller may start container `id` now; otherwise it asks again, and so keeps its place. */
  async enter(id: string): Promise<boolean> {
    const { state, entered } = enter(this.#state, id, Date.now());
    await this.#save(state);
    return entered;
  }

  /** To be said again and again during a start. False when the gate has taken the container back. */
  async renew(id: string): Promise<boolean> {
    await this.#save(renew(this.#state, id, Date.now()));
    return holds(this.#state, id, Date.now());
  }

  /** The container has answered: the next one may start. */
  async started(id: string): Promise<boolean> {
    await this.#save(started(this.#state, id, Date.now()));
    return holds(this.#state, id, Date.now());
  }

  /** The container is destroyed, or was never let in. */
  async leave(id: string): Promise<void> {
    await this.#save(leave(this.#state, id));
  }

  /** The caller is done and could not destroy the container. */
  async abandon(id: string): Promise<void> {
    await this.#save(abandon(this.#state, id, Date.now()));
  }

  /** Ids on record, for operators and tests. */
  async list(): Promise<readonly HeldContainer[]> {
    return this.#state.containers;
  }

  override async alarm(): Promise<void> {
    await Promise.all(overdue(this.#state, Date.now()).map((id) => this.#sweep(id)));
    // Also when nothing changed: an alarm rings once.
    await this.#setAlarm();
  }

  async #sweep(id: string): Promise<void> {
    const containers = this.env.VERIFICATION_CONTAINER;
    try {
      await withDeadline(
        containers.get(containers.idFromName(id)).destroy(),
        END_TIMEOUT_MS,
        'was not destroyed',
      );
      log('warn', 'container_swept', { container: id });
      await this.#save(leave(this.#state, id));
    } catch (error) {
      log('warn', 'container_sweep_failed', { container: id, message: messageOf(error) });
      await this.#save(sweepFailed(this.#state, id, Date.now()));
    }
  }

  async #save(state: GateState): Promise<void> {
    const changed = JSON.stringify(state.containers) !== JSON.stringify(this.#state.containers);
    this.#state = state;
    if (!changed) return;
    await this.ctx.storage.put(STORAGE_KEY, state.containers);
    await this.#setAlarm();
  }

  async #setAlarm(): Promise<void> {
    const at = nextSweepAt(this.#state);
    if (at === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(at);
  }
}
