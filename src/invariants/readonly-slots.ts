import type { Scenario } from '../scenario/index.ts';

/** Whether the machine's KVM has read-only memslots. KVM on POWER has none (host fact K4). */
export const hasReadonlySlots = ({ machine }: Scenario): boolean => machine.type !== 'pseries';
