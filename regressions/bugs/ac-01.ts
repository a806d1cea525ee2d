import { alignUp, definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'msix-capability-consistent', cause: 'swallows-registers' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = [
  'msix-capability-consistent',
  'msix-direct-on-opt-out',
  'no-abort',
  'access-dispatched',
];

export default definePatch({
  name: 'ac-01',
  title: 'Registers in the page of the MSI-X table are swallowed by the emulation',
  base: 'qemu-11.1',
  source: 'ACRN pull 8256, 25 October 2022',
  device: {
    emulatedTableSize: (tableSize, hostPageSize) => alignUp(tableSize, hostPageSize),
  },
});
