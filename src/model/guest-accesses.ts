import { offset } from '../address/index.ts';
import type { FlatRange } from '../memory/index.ts';
import type { Operation } from '../scenario/index.ts';
import type { AccessPart, BarLayer, CpuAccess, EventSink } from '../vfio/index.ts';

type BarAccess = Extract<Operation, { op: 'access-bar' }>;

/**
 * Where in system memory the guest sees the first byte of a BAR: found by a part of the BAR that the flat view shows.
 *
 * @param owner id of the device.
 * @param layers the regions that show the BAR's bytes.
 * @returns `undefined` where the view shows no byte of the BAR, so that the guest knows no address.
 */
function startOfBar(
  owner: string,
  layers: readonly BarLayer[],
  ranges: readonly FlatRange[],
): bigint | undefined {
  for (const { start, offset: from, region } of ranges) {
    if (region.owner !== owner) continue;
    const layer = layers.find((shown) => shown.region === region.name);
    if (layer !== undefined) return start - from - layer.offset;
  }
  return undefined;
}

/**
 * Carries out an access to a BAR, and emits what it has reached. The guest accesses no BAR that it does not see.
 *
 * @param access carries out an access by its address.
 * @throws VmmAbort where the VMM crashes.
 */
export function accessBar(
  { device, bar, offset: at, width, write }: BarAccess,
  layers: readonly BarLayer[],
  ranges: readonly FlatRange[],
  { access, emit }: { access: (access: CpuAccess) => readonly AccessPart[]; emit: EventSink },
): void {
  const start = startOfBar(device, layers, ranges);
  if (start === undefined) return;
  const address = start + at;
  const parts = access({ address, width, write });
  emit({ type: 'access', device, bar, offset: offset(at), width, write, address, parts });
}
