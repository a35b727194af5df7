/** What the global set-up of the worker tests hands to them. */
declare module 'vitest' {
  interface ProvidedContext {
    bindings: Record<string, string>;
    /** Whether `faults.test.ts` is to run every row. */
    everyFault: boolean;
    tokens: { first: string; second: string };
    /** Address of the receiver, see webhook-receiver.ts. */
    receiver: string;
  }
}

export {};
