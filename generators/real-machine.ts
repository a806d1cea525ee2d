import type { MachineSpec } from '../src/scenario/index.ts';

const MIB = 1n << 20n;

/** The machine with pages of its architecture where others were drawn, and with RAM of whole MiB. */
export function asReal(machine: MachineSpec): MachineSpec {
  const { type, ram } = machine;
  const isX86 = type === 'pc' || type === 'q35' || type === 'generic';
  // Kernels of POWER have pages of 4 KiB or 64 KiB.
  const page = (size: bigint): bigint =>
    isX86 ? 0x1000n : type === 'pseries' && size === 0x4000n ? 0x1_0000n : size;
  const block = type === 'pseries' ? 256n * MIB : MIB;
  return {
    ...machine,
    ram: ram < block ? block : ram - (ram % block),
    hostPageSize: page(machine.hostPageSize),
    guestPageSize: page(machine.guestPageSize),
  };
}
