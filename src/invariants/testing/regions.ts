import { offset } from '../../address/index.ts';
import type { TraceNode, TraceRange, TraceRegion } from '../../trace/index.ts';

export const PAGE = 0x1000n;
export const PAGE_64K = 0x1_0000n;
export const END = 1n << 64n;

export const region = (
  name: string,
  kind: TraceRegion['kind'] = 'ram',
  owner: string | undefined = undefined,
): TraceRegion => ({ name, kind, owner });

export const RAM = region('ram');

/** A flat range; it begins at offset 0 of its region unless `more` has an offset. */
export const flat = (
  start: bigint,
  size: bigint,
  shown: TraceRegion = RAM,
  more: Partial<Omit<TraceRange, 'offset'>> & { readonly offset?: bigint } = {},
): TraceRange => ({
  start,
  end: start + size,
  region: shown,
  readonly: false,
  nonvolatile: false,
  unmergeable: false,
  romdMode: true,
  priority: 0,
  contained: true,
  ...more,
  offset: offset(more.offset ?? 0n),
});

export const node = (
  shown: TraceRegion,
  address: bigint,
  size: bigint,
  more: Partial<Pick<TraceNode, 'priority' | 'enabled' | 'children' | 'attributes' | 'romdMode'>> & {
    readonly alias?: { readonly node: TraceNode; readonly offset: bigint };
  } = {},
): TraceNode => ({
  region: shown,
  address: offset(address),
  end: address + size,
  size,
  priority: 0,
  enabled: true,
  terminates: shown.kind !== 'container' && shown.kind !== 'alias',
  children: [],
  ...more,
  alias: more.alias && { node: more.alias.node, offset: offset(more.alias.offset) },
});
