import { END_OF_SPACE, offset } from '../address/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import type { Machine, MachineOptions } from './machine.ts';
import { makeIoSpace, makeMemorySpaces, makeRam, makeSystem } from './memory-map.ts';

/** Priority of the PCI space: lower than the default 0, so that a BAR shows only where nothing else does. */
const BELOW_EVERYTHING = -1;

/** A machine that QEMU does not have: RAM at 0 and a PCI space of lower priority, for the smallest scenarios. */
export function buildGeneric(options: MachineOptions): Machine {
  const { topology } = options;
  const system = makeSystem();
  const pci = MemoryRegion.container('pci', END_OF_SPACE);
  topology.addSubregion(system, makeRam(options, 'ram'), offset(0n));
  topology.addSubregion(system, pci, offset(0n), BELOW_EVERYTHING);
  const memory = makeMemorySpaces(options, system);
  return {
    system,
    memory,
    bus: { topology, memory: pci, io: makeIoSpace(options), dmaSpace: memory, addressZeroAllowed: false },
    optsOutOfMsixEmulation: false,
    reset: () => undefined,
  };
}
