import { offset } from '../src/address/index.ts';
import type { BarSpec, BarTypeName, SparseAreaSpec } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** Exponents of the largest sizes: 2 GiB for a 32-bit BAR, 128 GiB for a 64-bit BAR, as on graphics cards. */
const [LARGEST_32, LARGEST_64] = [31, 37];

/** The exponent of a memory BAR's size: below, at and above each page size; seldom 2 MiB or more. */
const chooseExponent = (choose: Choose, largest: number): number =>
  choose.weighted<() => number>(
    [3, () => choose.integer(4, 11)],
    [4, () => 12],
    [4, () => choose.integer(13, 15)],
    [5, () => 16],
    [4, () => choose.integer(17, 20)],
    [2, () => choose.integer(21, 25)],
    [1, () => choose.integer(26, largest)],
  )();

/**
 * Exponents of sizes at limits: offsets in the MSI-X capability have 32 bits, so table and PBA end at 4 GiB at the latest;
 * the windows above 4 GiB have 512 GiB on virt and 1 TiB on pseries.
 */
const LIMITS = [32, 32, 33, 33, 39, 40] as const;

/** How many BAR registers a device has. */
const REGISTERS = 6;

function chooseSize(choose: Choose, type: BarTypeName): bigint {
  if (type === 'io') return 1n << BigInt(choose.integer(2, 8));
  const wide = type.startsWith('mem64');
  const exponent =
    wide && choose.chance(3) ? choose.among(LIMITS) : chooseExponent(choose, wide ? LARGEST_64 : LARGEST_32);
  return 1n << BigInt(exponent);
}

const chooseType = (choose: Choose): BarTypeName =>
  choose.weighted([1, 'io'], [4, 'mem32'], [1, 'mem32p'], [7, 'mem64'], [3, 'mem64p']);

/** Areas of one page each, more than the 32 memslots that KVM once had. */
const manyAreas = (choose: Choose, units: bigint, unit: bigint): readonly SparseAreaSpec[] => {
  const step = units >= 2n * MANY_AREAS ? choose.bigint(1n, 2n) : 1n;
  return Array.from({ length: Number(MANY_AREAS) }, (_, index) => ({
    offset: offset(BigInt(index) * step * unit),
    size: unit,
  }));
};
const MANY_AREAS = 40n;

/** The areas of a sparse-mmap capability: mostly whole pages in rising order, sometimes off pages and unsorted. */
export function chooseSparseAreas(choose: Choose, size: bigint, page: bigint): readonly SparseAreaSpec[] {
  const orderly = choose.chance(70);
  const unit = orderly ? page : choose.among([0x100n, 0x400n, 0x1000n]);
  const units = size / unit;
  if (orderly && units >= MANY_AREAS && choose.chance(25)) return manyAreas(choose, units, unit);
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

/** A size that is no power of two, from one that is: three halves of it, a byte less, or a byte more. */
const oddSize = (choose: Choose, size: bigint): bigint =>
  choose.among([(size * 3n) / 2n, size - 1n, size + 1n]);

/**
 * The BARs of a device, by rising index; the register after a 64-bit BAR belongs to it.
 *
 * @param anySize whether a BAR may have a size that is no power of two, as a vfio-user server may report.
 */
export function chooseBars(choose: Choose, hostPageSize: bigint, anySize = false): readonly BarSpec[] {
  const bars: BarSpec[] = [];
  const count = choose.weighted([6, 1], [5, 2], [3, 3], [1, 4], [1, choose.integer(5, REGISTERS)]);
  let index = choose.chance(80) ? 0 : choose.integer(0, 2);
  const odd = anySize && choose.chance(4);
  while (bars.length < count && index < REGISTERS) {
    const drawn = chooseType(choose);
    // If this BAR takes two registers, one must be left for each BAR that follows.
    const hasRoom = REGISTERS - index - 2 >= count - bars.length - 1;
    const type = hasRoom ? drawn : (drawn.replace('64', '32') as BarTypeName);
    const size = chooseSize(choose, type);
    const mmap = type !== 'io' && choose.chance(92);
    bars.push({
      index,
      size: odd ? oddSize(choose, size) : size,
      type,
      mmap,
      ...(mmap && choose.chance(8) && { sparse: chooseSparseAreas(choose, size, hostPageSize) }),
    });
    index += (type.startsWith('mem64') ? 2 : 1) + (choose.chance(15) ? 1 : 0);
  }
  return bars;
}
