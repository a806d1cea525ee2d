import type { FlatRange } from '../flat-range.ts';
import type { MemoryRegion, RegionKind } from '../memory-region.ts';
import type { MtreeForm } from './mtree-form.ts';

/** The types that `info mtree` prints. `ramd` is device memory, `romd` a ROM device that shows its contents. */
export type MtreeType = 'i/o' | 'container' | 'ram' | 'ramd' | 'rom' | 'romd';

/** All types that QEMU prints. */
export const mtreeTypes: readonly MtreeType[] = ['i/o', 'container', 'ram', 'ramd', 'rom', 'romd'];

/** The properties of a region that its printed type depends on. */
interface Traits {
  readonly kind: RegionKind;
  readonly readonly: boolean;
  readonly romdMode: boolean;
  readonly contained: boolean;
}

/** The properties of a flat range that its printed type depends on; a view and a trace have such ranges. */
export type RangeTraits = Pick<FlatRange, 'readonly' | 'romdMode' | 'contained'> & {
  readonly region: { readonly kind: RegionKind };
};

/** The type that QEMU prints (memory_region_type, memory fact 8.3). */
function typeOf({ kind, readonly, romdMode, contained }: Traits, form: MtreeForm): MtreeType {
  if (kind === 'ram-device') return 'ramd';
  if (kind === 'rom-device' && romdMode) return 'romd';
  if (kind === 'ram') return readonly ? 'rom' : 'ram';
  return contained ? 'i/o' : form.containerless;
}

/**
 * The printed type of `region` as it is now, without `nv-` (memory_region_type, memory fact 8.3).
 *
 * @param form decides the type of an alias and of a region outside any container.
 */
export function regionType(region: MemoryRegion, form: MtreeForm): MtreeType {
  if (region.alias !== undefined && form.aliasType === 'target') return regionType(region.alias.region, form);
  const { kind, readonly, romdMode, container } = region;
  return typeOf({ kind, readonly, romdMode, contained: container !== undefined }, form);
}

/**
 * The printed type of a flat range at the time of rendering, without `nv-`. A read-only range is `rom`
 * for every kind of region (mtree_print_flatview, memory fact 8.9).
 */
export function rangeType(range: RangeTraits, form: MtreeForm): MtreeType {
  const { region, readonly, romdMode, contained } = range;
  return readonly ? 'rom' : typeOf({ kind: region.kind, readonly, romdMode, contained }, form);
}
