import { offset } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { FlatRange } from '../memory/index.ts';
import type { Operation } from '../scenario/index.ts';
import { accessThroughMemslots, type BarLayer, type EventSink, type Exit } from '../vfio/index.ts';

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

/** What carries out accesses of the guest's CPU. */
export interface AccessMachine {
  /** The flat view of system memory. */
  readonly ranges: readonly FlatRange[];
  readonly slots: readonly Memslot[];
  /** Carries out what no memslot serves. */
  readonly exit: Exit;
  readonly emit: EventSink;
}

/**
 * Carries out an access to a BAR, and emits what it has reached. The guest accesses no BAR that it does not see.
 *
 * @param layers the regions that show the BAR's bytes.
 * @throws VmmAbort where the VMM crashes.
 */
export function accessBar(
  { device, bar, offset: at, width, write }: BarAccess,
  layers: readonly BarLayer[],
  { ranges, slots, exit, emit }: AccessMachine,
): void {
  const start = startOfBar(device, layers, ranges);
  if (start === undefined) return;
  const address = start + at;
  const parts = accessThroughMemslots({ address, width, write }, slots, exit);
  emit({ type: 'access', device, bar, offset: offset(at), width, write, address, parts });
}
