import type { Size } from '../../address/index.ts';
import { MemoryRegion, type RegionOptions } from '../memory-region.ts';
import type { MtreeType } from './region-type.ts';

/**
 * A region that `info mtree` prints with this type.
 *
 * @param type `i/o` gives a region that answers accesses, `container` one that does not.
 */
export function regionOfType(
  type: MtreeType,
  name: string,
  size: Size,
  options: RegionOptions = {},
): MemoryRegion {
  switch (type) {
    case 'ram':
      return MemoryRegion.ram(name, size, options);
    case 'rom':
      return MemoryRegion.rom(name, size, options);
    case 'ramd':
      return MemoryRegion.ramDevice(name, size, options);
    case 'romd':
      return MemoryRegion.romDevice(name, size, options);
    case 'i/o':
      return MemoryRegion.io(name, size, options);
    case 'container':
      return MemoryRegion.container(name, size, options);
  }
}
