/** QEMU's machines as memory maps: pc, q35, virt, pseries, and the smallest one, generic. */
import { buildGeneric } from './generic.ts';
import type { Machine, MachineOptions } from './machine.ts';
import { buildPc, buildQ35 } from './pc.ts';
import { buildPseries } from './pseries.ts';
import { buildVirt } from './virt.ts';

export {
  RAM_ALIGNMENT,
  RAM_BLOCKS,
  TARGET_PAGE_SIZE,
  type Machine,
  type MachineCpu,
  type MachineOptions,
  type Reserve,
} from './machine.ts';

/** How to build each machine, by the name of its type. */
const BUILDERS = {
  generic: buildGeneric,
  pc: buildPc,
  q35: buildQ35,
  virt: buildVirt,
  pseries: buildPseries,
} as const satisfies Record<string, (options: MachineOptions) => Machine>;

/** Builds a machine of this type in one transaction; no listener is registered yet. */
export function buildMachine(type: keyof typeof BUILDERS, options: MachineOptions): Machine {
  options.topology.begin();
  const machine = BUILDERS[type](options);
  options.topology.commit();
  return machine;
}
