import { firstEndingAbove } from '../address/index.ts';
import {
  endOfMapping,
  type ContainerState,
  type PluggedMemory,
  type State,
  type TraceMapping,
  type TraceRange,
} from '../trace/index.ts';
import { checkDirtyTracking } from './dirty-tracking.ts';
import { rangeFrom, spanOf } from './describe.ts';
import { FaultyRanges } from './faulty-ranges.ts';
import type { Examination, Invariant } from './invariant.ts';
import { checkPluggedAfterReset } from './plugged-after-reset.ts';
import { pluggedParts } from './plugged-parts.ts';
import { UnpluggedDevices } from './unplugged-devices.ts';

/** The DMA mappings follow the flat view: devices and CPUs find the same memory at each address. */
export const mapMatchesView: Invariant = {
  id: 'map-matches-view',
  clause:
    'every live DMA mapping is backed by exactly the RAM that the flat view has at its IOVA, and of virtio-mem by plugged blocks ' +
    'alone; no mapping is stale; when a migration begins, devices log what they write to every mapping of RAM, and log no gap ' +
    'between RAM and BARs; a reset leaves no block of virtio-mem plugged',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_container_region_add, vfio_listener_region_del',
  start(trace, examination) {
    const unplugged = new UnpluggedDevices();
    const faulty = new FaultyRanges();
    const check = (container: ContainerState, mapping: TraceMapping, state: State): void => {
      if (faulty.keeps(container.name, rangeFrom(mapping.iova, mapping.size))) return;
      checkMapping(container, mapping, state, unplugged, examination);
    };
    return {
      event: (event) => faulty.note(event),
      end() {
        checkDirtyTracking(trace, examination);
        checkPluggedAfterReset(trace, examination);
      },
      step({ dmaView, containers, devices }, state) {
        const ownersChanged = unplugged.follow(devices);
        if (ownersChanged || !dmaView.isEmpty) {
          for (const container of state.containers) {
            const added = containers.find(({ container: { name } }) => name === container.name)?.added ?? [];
            for (const mapping of container.mappings) {
              if (ownersChanged || dmaView.touches(mapping.iova, mapping.size) || added.includes(mapping))
                check(container, mapping, state);
            }
          }
          return;
        }
        for (const { container, added } of containers) {
          for (const mapping of added) check(container, mapping, state);
        }
      },
    };
  },
};

function checkMapping(
  { name }: ContainerState,
  mapping: TraceMapping,
  state: State,
  unplugged: UnpluggedDevices,
  examination: Examination,
): void {
  examination.exercised++;
  // The memory of a device goes with the device, even where the flat view still has its regions.
  const cause = unplugged.has(mapping.backing.owner) ? 'owner-gone' : mismatch(mapping, state);
  if (cause === undefined) return;
  const { iova, size, backing } = mapping;
  examination.violate(
    cause,
    () => `${name} maps ${spanOf(iova, size)} to "${backing.region}", ${WHY[cause]}`,
    rangeFrom(iova, size),
  );
}

/** How a mapping can differ from the flat view, as the end of the message. */
const WHY = {
  'owner-gone': 'whose device is unplugged',
  stale: 'but the flat view has something else there',
  protected: 'which no device may reach',
  'not-plugged': 'of which the guest has not plugged all',
  'too-long': 'but the flat range there ends before the mapping',
  'wrong-permission': 'but the flat view has the other permission, read-only or writable',
} as const;

/** Whether the guest has all the memory that the mapping shows to devices: of virtio-mem it may lack some. */
const isPlugged = (mapping: TraceMapping, range: TraceRange, plugged: PluggedMemory | undefined): boolean =>
  pluggedParts(range, plugged).some(
    ({ start, end }) => start <= mapping.iova && endOfMapping(mapping) <= end,
  );

/** How the mapping differs from the flat view; `undefined` where it does not. */
function mismatch(mapping: TraceMapping, { dmaView: view, plugged }: State): keyof typeof WHY | undefined {
  const { iova, readonly, backing } = mapping;
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
  if (range.region.isProtected === true) return 'protected';
  if (range.end < endOfMapping(mapping)) return 'too-long';
  if (!isPlugged(mapping, range, plugged)) return 'not-plugged';
  return range.readonly === readonly ? undefined : 'wrong-permission';
}
