import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'sound-device-refused' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'qp-04',
  title: 'Virtual functions whose capability has the PBA in the wrong place are refused',
  base: 'qemu-11.1',
  source:
    'QEMU commits 43302969966b, 6 July 2015 (Chelsio T5), and 1bd9f1b14d1e, 13 July 2021 (Baidu Kunlun)',
  device: { correctPbaOffset: () => undefined },
});
