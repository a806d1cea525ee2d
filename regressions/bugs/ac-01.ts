import { alignUp, definePatch } from 'barproof';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'msix-capability-consistent', cause: 'swallows-registers' } as const;

/** The invariants that it breaks. */
export const breaks = ['msix-capability-consistent', 'msix-direct-on-opt-out', 'no-abort'];

export default definePatch({
  name: 'ac-01',
  title: 'Registers in the page of the MSI-X table are swallowed by the emulation',
  base: 'qemu-11.1',
  source: 'ACRN pull 8256, 25 October 2022',
  device: {
    emulatedTableSize: (tableSize, hostPageSize) => alignUp(tableSize, hostPageSize),
  },
});
