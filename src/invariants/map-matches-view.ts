import { firstEndingAbove } from '../address/index.ts';
import { endOfMapping, type State, type TraceMapping } from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { dmaChanged, forEachChange, isUnplugged, settled } from './steps.ts';

/** The DMA mappings follow the flat view: devices and CPUs find the same memory at each address. */
export const mapMatchesView: Invariant = {
  id: 'map-matches-view',
  clause:
    'every live DMA mapping is backed by exactly the RAM that the flat view has at its IOVA; no mapping is stale',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_container_region_add, vfio_listener_region_del',
  check(trace, examination) {
    const plugged = new Set<string>();
    forEachChange(settled(trace), changed, (state, step) => {
      for (const { id } of state.devices) plugged.add(id);
      for (const { name, mappings } of state.containers) {
        for (const mapping of mappings) {
          examination.exercised++;
          const cause = mismatch(mapping, state, plugged);
          if (cause === undefined) continue;
          const { iova, size, backing } = mapping;
          examination.violate(
            cause,
            step,
            () => `${name} maps ${spanOf(iova, size)} to "${backing.region}", ${WHY[cause]}`,
            rangeFrom(iova, size),
          );
        }
      }
    });
  },
};

const changed = (state: State, before: State): boolean =>
  dmaChanged(state, before) || state.devices !== before.devices;

/** How a mapping can differ from the flat view, as the end of the message. */
const WHY = {
  'owner-gone': 'whose device is unplugged',
  stale: 'but the flat view has something else there',
  'too-long': 'but the flat range there ends before the mapping',
  'wrong-permission': 'but the flat view has the other permission, read-only or writable',
} as const;

/** How the mapping differs from the flat view; `undefined` where it does not. */
function mismatch(
  mapping: TraceMapping,
  { dmaView: view, devices }: State,
  plugged: ReadonlySet<string>,
): keyof typeof WHY | undefined {
  const { iova, readonly, backing } = mapping;
  // The memory of a device goes with the device, even where the flat view still has its regions.
  if (isUnplugged(backing.owner, devices, plugged)) return 'owner-gone';
  const range = view[firstEndingAbove(view, iova)];
  if (range === undefined || range.start > iova) return 'stale';
  const isRam = range.region.kind === 'ram' || range.region.kind === 'ram-device';
  const offset = range.offset + (iova - range.start);
  const same =
    isRam &&
    range.region.name === backing.region &&
    range.region.owner === backing.owner &&
    offset === backing.offset;
  if (!same) return 'stale';
  if (range.end < endOfMapping(mapping)) return 'too-long';
  return range.readonly === readonly ? undefined : 'wrong-permission';
}
