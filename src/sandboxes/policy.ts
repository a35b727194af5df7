/**
 * Which measured walls must hold before an answer counts. All of them, everywhere: there is no setting
 * that relaxes this.
 */
import { ISOLATION_FLAGS } from '../../container/protocol.ts';
import { Fault } from '../errors.ts';
import type { Isolation } from '../schema/report.ts';

/** @throws Fault SANDBOX_NOT_ISOLATED naming every wall that did not hold */
export function assertIsolated(isolation: Isolation): void {
  const broken = ISOLATION_FLAGS.filter((flag) => isolation.flags[flag] !== true);
  if (broken.length > 0) {
    throw new Fault(
      'SANDBOX_NOT_ISOLATED',
      `the ${isolation.jail} room does not hold: ${broken.join(', ')} is false`,
    );
  }
  // It has no namespace: should every flag say otherwise, the measurement is wrong.
  if (isolation.jail === 'process') {
    throw new Fault('SANDBOX_NOT_ISOLATED', 'a process with limits is no room, whatever was measured in it');
  }
}
