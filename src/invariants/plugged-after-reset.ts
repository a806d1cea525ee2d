import type { Trace } from '../trace/index.ts';
import { span } from './describe.ts';
import type { Examination } from './invariant.ts';

/**
 * Reports blocks of virtio-mem that a reset of the machine leaves plugged: the guest that starts does not know of them
 * (virtio-mem unplugs all blocks, memory fact 1.10).
 */
export function checkPluggedAfterReset({ steps, outcome }: Trace, examination: Examination): void {
  for (const [index, { operation, state }] of steps.entries()) {
    const isCutShort = outcome !== 'ok' && index === steps.length - 1;
    if (operation.op !== 'reset' || isCutShort) continue;
    for (const [name, parts] of state.plugged ?? []) {
      examination.exercised++;
      const [left] = parts;
      if (left === undefined) continue;
      examination.violate(
        'plugged-after-reset',
        () => `the machine was reset, and "${name}" still has ${span(left)} plugged`,
        undefined,
        index,
      );
    }
  }
}
