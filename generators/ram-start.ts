import type { MachineType } from '../src/scenario/index.ts';

/** Where the RAM of each machine begins (machine facts 11.1 to 11.3). */
export const RAM_START: Readonly<Record<MachineType, bigint>> = {
  pc: 0n,
  q35: 0n,
  generic: 0n,
  virt: 1n << 30n,
  pseries: 0n,
};
