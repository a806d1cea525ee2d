import { buildGeneric } from './generic.ts';
import type { Machine, MachineOptions } from './machine.ts';
import { buildPc, buildQ35 } from './pc.ts';
import { buildPseries } from './pseries.ts';
import { buildVirt } from './virt.ts';

export {
  RAM_ALIGNMENT,
  TARGET_PAGE_SIZE,
  type Machine,
  type MachineOptions,
  type Reserve,
} from './machine.ts';

/** The machines by the name of their type. */
const BUILDERS = {
  generic: buildGeneric,
  pc: buildPc,
  q35: buildQ35,
  virt: buildVirt,
  pseries: buildPseries,
} as const satisfies Record<string, (options: MachineOptions) => Machine>;

/** Builds a machine of this type, all in one transaction: nobody listens yet. */
export function buildMachine(type: keyof typeof BUILDERS, options: MachineOptions): Machine {
  options.topology.begin();
  const machine = BUILDERS[type](options);
  options.topology.commit();
  return machine;
}
