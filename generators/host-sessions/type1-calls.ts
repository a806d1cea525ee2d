import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';
import {
  addresses,
  call,
  COMMON_START,
  END,
  fewRanges,
  places,
  sizes,
  unknownFlags,
  withArgsz,
} from './host-call-values.ts';

/** The sizes of struct vfio_iommu_type1_dma_map and _unmap of include/uapi/linux/vfio.h, in bytes. */
const [MAP_BYTES, UNMAP_BYTES] = [32, 24];

/** READ and WRITE; VADDR, which replaces an address; and what no kernel accepts. */
const mapFlags = fc.oneof(
  { weight: 16, arbitrary: fc.constantFrom(1, 2, 3, 3, 3) },
  { weight: 3, arbitrary: fc.constant(4) },
  { weight: 1, arbitrary: fc.constantFrom(0, 5, 7) },
  { weight: 1, arbitrary: unknownFlags },
);

/** None; VADDR, which gives addresses up; and what needs other arguments or does not exist. */
const unmapFlags = fc.oneof(
  { weight: 16, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.constant(4) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 3, 6, 7) },
  { weight: 1, arbitrary: unknownFlags },
);

/** Calls on a container of type1. */
export function type1Calls(page: bigint): fc.Arbitrary<object> {
  const range = { iova: addresses(page).map(hex), size: sizes(page).map(hex) };
  const nearPages = fc.integer({ min: 0, max: 24 }).map((pages) => COMMON_START + BigInt(pages) * page);
  const exact = fewRanges(page);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: withArgsz(
        fc.record({ ...call('map'), ...range, vaddr: places(page), flags: mapFlags }),
        MAP_BYTES,
      ),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(exact, fc.record({ ...call('map'), vaddr: places(page), flags: mapFlags }))
        .map(([where, fields]) => ({ ...fields, ...where })),
    },
    {
      weight: 4,
      arbitrary: withArgsz(fc.record({ ...call('unmap'), ...range, flags: unmapFlags }), UNMAP_BYTES),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(exact, unmapFlags).map(([where, flags]) => ({ call: 'unmap', ...where, flags })),
    },
    {
      weight: 1,
      // Up to the last address (host fact D2).
      arbitrary: fc
        .tuple(nearPages, fc.constantFrom(0, 0, 4))
        .map(([start, flags]) => ({ call: 'unmap', iova: hex(start), size: hex(END - start), flags })),
    },
    { weight: 1, arbitrary: fc.constant({ call: 'info' }) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(2, 2, 2, 6)
        .map((flags) => ({ call: 'unmap-all', iova: '0x0', size: '0x0', flags })),
    },
    { weight: 1, arbitrary: fc.boolean().map((on) => ({ call: 'decode', on })) },
  );
}
