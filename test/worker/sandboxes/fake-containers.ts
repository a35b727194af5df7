/** A container namespace that answers as told, for what has to be seen without an engine. */
import type { VerificationContainer } from '../../../src/sandboxes/verification-container.ts';

export interface FakeContainer {
  containerFetch(url: string): Promise<Response>;
  destroy(): Promise<void>;
}

/** `make` is called once for each id, when it is first asked for. */
export function fakeContainers(
  make: (id: string) => FakeContainer,
): DurableObjectNamespace<VerificationContainer> {
  const made = new Map<string, object>();
  const namespace = {
    idFromName: (name: string) => ({ name, toString: () => name }),
    get: (id: { name: string }) => {
      const container = made.get(id.name) ?? { configure: async () => {}, ...make(id.name) };
      made.set(id.name, container);
      return container;
    },
  };
  return namespace as unknown as DurableObjectNamespace<VerificationContainer>;
}
