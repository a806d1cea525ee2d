import type { FlatRange } from '../flat-range.ts';
import type { MemoryRegion, RegionKind } from '../memory-region.ts';
import type { MtreeForm } from './mtree-form.ts';

/** The words `info mtree` has for what a region is. `ramd` is device memory, `romd` a ROM device that shows its contents. */
export type MtreeType = 'i/o' | 'container' | 'ram' | 'ramd' | 'rom' | 'romd';

/** The types, as the parsers accept them. */
export const mtreeTypes: readonly MtreeType[] = ['i/o', 'container', 'ram', 'ramd', 'rom', 'romd'];

/** What the word for a region depends on. */
interface Traits {
  readonly kind: RegionKind;
  readonly readonly: boolean;
  readonly romdMode: boolean;
  readonly contained: boolean;
}

/** What the word for a flat range depends on: a range of a view, or of a trace. */
export type RangeTraits = Pick<FlatRange, 'readonly' | 'romdMode' | 'contained'> & {
  readonly region: { readonly kind: RegionKind };
};

/** memory_region_type, memory fact 8.3. */
function typeOf({ kind, readonly, romdMode, contained }: Traits, form: MtreeForm): MtreeType {
  if (kind === 'ram-device') return 'ramd';
  if (kind === 'rom-device' && romdMode) return 'romd';
  if (kind === 'ram') return readonly ? 'rom' : 'ram';
  return contained ? 'i/o' : form.containerless;
}

/**
 * The word for `region` as it is now, without `nv-` (memory_region_type, memory fact 8.3).
 *
 * @param form decides what aliases and regions outside any container are called.
 */
export function regionType(region: MemoryRegion, form: MtreeForm): MtreeType {
  if (region.alias !== undefined && form.aliasType === 'target') return regionType(region.alias.region, form);
  const { kind, readonly, romdMode, container } = region;
  return typeOf({ kind, readonly, romdMode, contained: container !== undefined }, form);
}

/**
 * The word for what a flat range was when its view was rendered, without `nv-`: read-only on the
 * way to the region counts as ROM, whatever the region is (mtree_print_flatview, memory fact 8.9).
 */
export function rangeType(range: RangeTraits, form: MtreeForm): MtreeType {
  const { region, readonly, romdMode, contained } = range;
  return readonly ? 'rom' : typeOf({ kind: region.kind, readonly, romdMode, contained }, form);
}
