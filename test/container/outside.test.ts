/** Who counts as a visitor of a self-test: whoever was told where its door is, and no stranger who tries ports. */
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Doors } from '../../container/jail/outside.ts';

const doors = new Doors();
afterEach(() => doors.close());

/** Resolves when the other side has let us in and closed. */
function visit(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    connect({ host, port })
      .on('error', reject)
      .on('close', () => resolve())
      .resume();
  });
}

it('counts who comes to the door, and not who comes to its port on 127.0.0.1', async () => {
  const { host, port } = await doors.tcp();
  expect(host).toMatch(/^127\.(?!0\.0\.1$)/);
  await visit('127.0.0.1', port);
  expect(doors.visits).toBe(0);
  await visit(host, port);
  expect(doors.visits).toBe(1);
});
