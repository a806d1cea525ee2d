import { describe, expect, it } from 'vitest';
import { offset } from '../../address/index.ts';
import { MemoryRegion } from '../memory-region.ts';
import { MemoryTopology } from '../memory-topology.ts';
import { form11 } from './mtree-form.ts';
import { regionOfType } from './region-of-type.ts';
import { mtreeTypes, regionType } from './region-type.ts';

describe('regionOfType', () => {
  it.each(mtreeTypes.filter((type) => type !== 'container'))(
    'makes a region that is printed as %s',
    (type) => {
      const region = regionOfType(type, 'r', 0x1000n);
      new MemoryTopology().addSubregion(MemoryRegion.container('root', 0x1000n), region, offset(0n));
      expect(regionType(region, form11)).toBe(type);
    },
  );

  it('makes a container that answers no access, and an i/o region that does', () => {
    const flatViewOf = (type: 'container' | 'i/o') =>
      new MemoryTopology().createAddressSpace('memory', regionOfType(type, 'r', 0x1000n)).view.ranges.length;
    expect(flatViewOf('container')).toBe(0);
    expect(flatViewOf('i/o')).toBe(1);
  });
});
