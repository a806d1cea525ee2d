import { firstEndingAbove } from '../address/index.ts';
import { endOfMapping, type State, type TraceMapping } from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { dmaChanged, forEachChange, isUnplugged, settled } from './steps.ts';

/** What the IOMMU translates is what the memory map shows, now. */
export const mapMatchesView: Invariant = {
  id: 'map-matches-view',
  clause: 'every live DMA mapping is backed by exactly the flat-view RAM at that address; nothing stale',
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
            () =>
              `${name} maps ${spanOf(iova, size)} to "${backing.region}", which the memory map does not show there`,
            rangeFrom(iova, size),
          );
        }
      }
    });
  },
};

const changed = (state: State, before: State): boolean =>
  dmaChanged(state, before) || state.devices !== before.devices;

/** Why the view does not have what is mapped, or nothing when it does. */
function mismatch(
  mapping: TraceMapping,
  { dmaView: view, devices }: State,
  plugged: ReadonlySet<string>,
): string | undefined {
  const { iova, readonly, backing } = mapping;
  // What belongs to a device goes with it, whatever the memory map still shows.
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
