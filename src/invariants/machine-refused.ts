import type { Trace } from '../trace/index.ts';

/** What QEMU prints when the CPU cannot address the machine's memory map. */
const MACHINE_REFUSED = /phys-bits too low|^Addressing limited to \d+ bits/;

/**
 * Whether the machine itself cannot start, with any device or none (machine facts 11.7 and 11.8). Such a machine has no
 * memslot.
 */
export const isMachineRefused = ({ outcome, error }: Pick<Trace, 'outcome' | 'error'>): boolean =>
  outcome === 'rejected' && error !== undefined && MACHINE_REFUSED.test(error);
