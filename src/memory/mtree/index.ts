/** The text of `info mtree` and `info mtree -f`: printed in the form of each QEMU release, parsed, and rebuilt into regions. */
export {
  form10,
  form11,
  form2_11,
  form3_1,
  form4_1,
  form5_0,
  form5_1,
  form7_0,
  mtreeFormOf,
  mtreeForms,
  type MtreeForm,
} from './mtree-form.ts';
export {
  type FlatRangeText,
  type FlatViewSpace,
  type FlatViewText,
  type MtreeAddressSpace,
  type MtreeAlias,
  type MtreeRegion,
  type MtreeSection,
  type MtreeText,
} from './mtree-region.ts';
export { MtreeSyntaxError } from './mtree-syntax-error.ts';
export { parseFlatViews } from './parse-flat-view.ts';
export { parseTree, type ParseTreeOptions } from './parse-tree.ts';
export { printFlatViews, type PrintFlatViewsOptions } from './print-flat-view.ts';
export { printTree, type PrintTreeOptions } from './print-tree.ts';
export { rebuildTree, type RebuiltTree } from './rebuild-tree.ts';
export { laterOnTop, type RebuildOptions } from './rebuild-options.ts';
export { regionOfType } from './region-of-type.ts';
export { rangeType, regionType, type MtreeType } from './region-type.ts';
