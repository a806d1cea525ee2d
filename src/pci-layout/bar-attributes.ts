/** The address space and width that the low bits of a BAR register declare (PCI 3.0 section 6.2.5.1). */
export type BarType = 'io' | 'mem32' | 'mem64';

/** What the low, read-only bits of a BAR register say. */
export interface BarAttributes {
  readonly type: BarType;
  readonly prefetchable: boolean;
}

const MEMORY_TYPE_64 = 0b100;
const PREFETCHABLE = 0b1000;
const IO_SPACE = 0b1;

/** The read-only bits of a BAR register with these attributes. */
export const barFlags = ({ type, prefetchable }: BarAttributes): number =>
  type === 'io' ? IO_SPACE : (type === 'mem64' ? MEMORY_TYPE_64 : 0) | (prefetchable ? PREFETCHABLE : 0);
