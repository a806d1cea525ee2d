import { offset } from '../src/address/index.ts';
import type { BarSpec, BarTypeName, SparseAreaSpec } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

const LARGEST_MEMORY_EXPONENT = 25;

/** Exponents of memory BAR sizes: below, at and above every page size, few beyond. */
const chooseExponent = (choose: Choose): number =>
  choose.weighted(
    [3, choose.integer(4, 11)],
    [4, 12],
    [4, choose.integer(13, 15)],
    [5, 16],
    [4, choose.integer(17, 20)],
    [2, choose.integer(21, LARGEST_MEMORY_EXPONENT)],
  );

/** Where offsets stop fitting 32 bits: MSI-X structures can lie up to there, and no further. */
const EXPONENT_OF_4G = 32;

const chooseType = (choose: Choose): BarTypeName =>
  choose.weighted([1, 'io'], [4, 'mem32'], [1, 'mem32p'], [7, 'mem64'], [3, 'mem64p']);

/** The areas of an explicit sparse-mmap capability: mostly of whole pages and rising, sometimes neither. */
export function chooseSparseAreas(choose: Choose, size: bigint, page: bigint): readonly SparseAreaSpec[] {
  const orderly = choose.chance(70);
  const unit = orderly ? page : choose.among([0x100n, 0x400n, 0x1000n]);
  const units = size / unit;
  const areas: SparseAreaSpec[] = [];
  let next = 0n;
  for (let count = choose.integer(0, 3); count > 0; count--) {
    const start = orderly ? next + choose.bigint(0n, 2n) : choose.bigint(0n, units);
    const length = choose.chance(10) ? 0n : choose.bigint(1n, units > 4n ? units / 2n : 2n);
    if (orderly && start + length > units) break;
    areas.push({ offset: offset(start * unit), size: length * unit });
    next = start + length;
  }
  return areas;
}

/** The BARs of a device, by rising index; the register after a 64-bit BAR belongs to it. */
export function chooseBars(choose: Choose, hostPageSize: bigint): readonly BarSpec[] {
  const bars: BarSpec[] = [];
  const count = choose.weighted([6, 1], [5, 2], [3, 3], [1, choose.integer(4, 6)]);
  let index = choose.chance(80) ? 0 : choose.integer(0, 2);
  while (bars.length < count && index < 6) {
    const drawn = chooseType(choose);
    const type = index === 5 ? (drawn.replace('64', '32') as BarTypeName) : drawn;
    const large = type.startsWith('mem64') && choose.chance(3);
    const exponent = large ? EXPONENT_OF_4G + choose.integer(0, 1) : chooseExponent(choose);
    const size = 1n << BigInt(type === 'io' ? choose.integer(2, 8) : exponent);
    const mmap = type !== 'io' && choose.chance(92);
    bars.push({
      index,
      size,
      type,
      mmap,
      ...(mmap && choose.chance(6) && { sparse: chooseSparseAreas(choose, size, hostPageSize) }),
    });
    index += (type.startsWith('mem64') ? 2 : 1) + (choose.chance(15) ? 1 : 0);
  }
  // Hardware has powers of two; only a vfio-user server could say anything else.
  return bars;
}
