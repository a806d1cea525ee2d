import { beforeEach, describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { AddressSpace, effectiveRoot } from './address-space.ts';
import { FlatView } from './flat-view.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

let topology: MemoryTopology;
let system: MemoryRegion;
beforeEach(() => {
  topology = new MemoryTopology();
  system = MemoryRegion.container('system', END_OF_SPACE);
  topology.addSubregion(system, MemoryRegion.ram('ram', 0x1000n), offset(0n));
  topology.addSubregion(system, MemoryRegion.io('io', 0x1000n), offset(0x1000n));
});

describe('a new address space', () => {
  it('shows the empty view and has no listeners', () => {
    const space = new AddressSpace('memory', system);
    expect(space).toMatchObject({ name: 'memory', root: system, listeners: [] });
    expect(space.view).toBe(FlatView.empty);
  });
});

describe('effectiveRoot (memory fact 2.8)', () => {
  const alias = (target: MemoryRegion, from: bigint, size: bigint): MemoryRegion =>
    MemoryRegion.alias('alias', target, offset(from), size);
  const holding = (size: bigint, ...children: readonly (readonly [MemoryRegion, bigint])[]): MemoryRegion => {
    const holder = MemoryRegion.container('holder', size);
    for (const [child, address] of children) topology.addSubregion(holder, child, offset(address));
    return holder;
  };

  it('of a container with several enabled children is the container', () => {
    expect(effectiveRoot(system)).toBe(system);
  });

  it('of a terminating region is the region, even if one child covers it', () => {
    const io = MemoryRegion.io('io', 0x1000n);
    expect(effectiveRoot(io)).toBe(io);
    topology.addSubregion(io, MemoryRegion.ram('ram', 0x1000n), offset(0n));
    expect(effectiveRoot(io)).toBe(io);
  });

  it.each([0n, 1n])(
    'of a disabled region is undefined, and of a container with %d disabled children',
    (children) => {
      const holder = holding(0x1000n, ...(children === 1n ? [[MemoryRegion.ram('r', 1n), 0n] as const] : []));
      for (const child of holder.subregions) topology.setEnabled(child, false);
      expect(effectiveRoot(holder)).toBeUndefined();
      topology.setEnabled(system, false);
      expect(effectiveRoot(system)).toBeUndefined();
    },
  );

  it('of an alias of its whole target is the target', () => {
    expect(effectiveRoot(alias(system, 0n, END_OF_SPACE))).toBe(system);
    const small = MemoryRegion.ram('small', 0x1000n);
    expect(effectiveRoot(alias(small, 0n, 0x1000n))).toBe(small);
    expect(effectiveRoot(alias(small, 0n, END_OF_SPACE))).toBe(small);
  });

  it('of an alias of a part of its target is the alias', () => {
    const small = MemoryRegion.ram('small', 0x1000n);
    for (const part of [
      alias(small, 0n, 0xfffn),
      alias(small, 1n, 0x1000n),
      alias(small, 1n, END_OF_SPACE),
    ]) {
      expect(effectiveRoot(part)).toBe(part);
    }
  });

  it('of an alias with subregions of its own is still the alias', () => {
    const part = alias(system, 1n, 0x1000n);
    topology.addSubregion(part, MemoryRegion.ram('own', 0x1000n), offset(0n));
    expect(effectiveRoot(part)).toBe(part);
  });

  it('of a container with one enabled child among disabled ones is that child', () => {
    for (const position of [0, 1, 2]) {
      const children = Array.from({ length: 3 }, (_, index) => MemoryRegion.ram(`r${index}`, 0x1000n));
      const holder = holding(0x1000n, ...children.map((child) => [child, 0n] as const));
      children.forEach((child, index) => topology.setEnabled(child, index === position));
      expect(effectiveRoot(holder)).toBe(children[position]);
    }
  });

  it('of a container is the container if its only enabled child is larger or not at 0', () => {
    const moved = holding(0x2000n, [MemoryRegion.ram('r', 0x1000n), 1n]);
    expect(effectiveRoot(moved)).toBe(moved);
    const small = holding(0xfffn, [MemoryRegion.ram('r', 0x1000n), 0n]);
    expect(effectiveRoot(small)).toBe(small);
    const none = holding(0n, [MemoryRegion.ram('r', 0n), 0n]);
    expect(effectiveRoot(none)).toBe(none.subregions[0]);
  });

  it('of containers around the alias of a bus master is system', () => {
    const busMaster = alias(system, 0n, END_OF_SPACE);
    const holder = holding(END_OF_SPACE, [holding(END_OF_SPACE, [busMaster, 0n]), 0n]);
    expect(effectiveRoot(holder)).toBe(system);
    topology.setEnabled(busMaster, false);
    expect(effectiveRoot(holder)).toBeUndefined();
    topology.setEnabled(busMaster, true);
    topology.setEnabled(system, false);
    expect(effectiveRoot(holder)).toBeUndefined();
  });
});
