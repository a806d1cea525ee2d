import { hex } from '../../address/index.ts';
import type { NamedHost } from '../../scenario/index.ts';
import type { VmmEvent } from '../../vfio/index.ts';
import { deviceSpec } from '../device/device-spec.ts';
import { isTriable } from '../device/missing-facts.ts';
import { HOSTS_BY_PAGE, NEWEST_KERNEL } from '../device/releases.ts';
import { barsSeen, tryDevice } from '../device/try-device.ts';
import type { PastedDevice } from '../lspci/pasted-device.ts';
import type { Dump } from '../mtree/dump.ts';
import { memoryView, printedViews, renderedViews, type NamedView } from '../mtree/view-ranges.ts';
import type { LogContext } from './log-finding.ts';

/** The region that a dump shows at an address: its name, and whether it is memory of a device. */
export interface FoundRegion {
  readonly name: string;
  readonly deviceMemory: boolean;
}

/** The region at `address` in the dump that was given beside the line. */
export function regionAt(dump: Dump | undefined, address: bigint): FoundRegion | undefined {
  if (dump === undefined) return undefined;
  const range = viewOf(dump)?.ranges.find(({ start, end }) => start <= address && address < end);
  return range === undefined ? undefined : { name: range.name, deviceMemory: range.type === 'ramd' };
}

const viewsOfDumps = new WeakMap<Dump, NamedView | undefined>();

/** The view of CPUs and devices in a dump. The view is kept: a log may ask for many addresses. */
function viewOf(dump: Dump): NamedView | undefined {
  if (viewsOfDumps.has(dump)) return viewsOfDumps.get(dump);
  const rendered = dump.tree === undefined ? [] : renderedViews(dump.tree);
  const view = memoryView([...printedViews(dump.views), ...rendered]);
  viewsOfDumps.set(dump, view);
  return view;
}

/** A piece of a BAR that QEMU maps as one, in offsets in the BAR. */
interface Piece {
  readonly bar: number;
  readonly barSize: bigint;
  readonly offset: bigint;
  readonly size: bigint;
}

/**
 * The BARs of the given devices of which a piece has this size, and this place in the BAR: the guest's addresses are
 * not those of the host, but a BAR lies on a multiple of its size.
 *
 * @param kind which requests of QEMU to compare with.
 */
export function barsLike(
  { devices, host }: Pick<LogContext, 'devices' | 'host'>,
  start: bigint,
  size: bigint,
  kind: 'dma-map' | 'memslot',
): readonly string[] {
  const found = new Set<string>();
  for (const device of devices) {
    if (device.isBridge || !isTriable(device)) continue;
    for (const piece of piecesOf(device, host, kind)) {
      const at = piece.barSize === 0n ? 0n : start % piece.barSize;
      if (piece.size === size && at === piece.offset)
        found.add(
          `BAR ${piece.bar} of ${device.address ?? 'the device'}${piece.size === piece.barSize ? '' : ` from offset ${hex(piece.offset)} on`}`,
        );
    }
  }
  return [...found];
}

const cache = new WeakMap<PastedDevice, Map<string, readonly Piece[]>>();

/** What QEMU asks for each BAR of a device, on the host, or on one of each size of page. Runs are kept. */
function piecesOf(
  device: PastedDevice,
  host: NamedHost | undefined,
  kind: 'dma-map' | 'memslot',
): readonly Piece[] {
  const key = `${host?.id ?? ''} ${kind}`;
  const known = cache.get(device)?.get(key);
  if (known !== undefined) return known;
  const pieces = (host === undefined ? HOSTS_BY_PAGE : [host]).flatMap((one) => {
    const spec = deviceSpec(device, one.hostPageSize);
    return ['qemu-2.11', 'qemu-11.1'].flatMap((revision) => {
      const { trace } = tryDevice(spec, {
        host: one,
        kernel: NEWEST_KERNEL,
        iommu: one.iommu.types[0]!,
        revision,
        relocation: 'off',
      });
      const bars = barsSeen(trace);
      return trace.steps.flatMap(({ events }) =>
        events.flatMap((event): Piece[] => {
          const request = requestOf(event, kind);
          if (request === undefined) return [];
          const bar = bars.find(({ layers }) => layers.some(({ region }) => region === request.region));
          const layer = bar?.layers.find(({ region }) => region === request.region);
          if (bar === undefined || layer === undefined) return [];
          return [
            { bar: bar.index, barSize: bar.size, offset: layer.offset + request.offset, size: request.size },
          ];
        }),
      );
    });
  });
  const kept = cache.get(device) ?? new Map<string, readonly Piece[]>();
  kept.set(key, pieces);
  cache.set(device, kept);
  return pieces;
}

function requestOf(
  event: VmmEvent,
  kind: 'dma-map' | 'memslot',
): { region: string; offset: bigint; size: bigint } | undefined {
  if (kind === 'dma-map') {
    if (event.type !== 'dma-map' || !event.deviceMemory) return undefined;
    return { region: event.backing.region, offset: event.backing.offset, size: event.size };
  }
  if (event.type !== 'memslot' || event.slot.size === 0n) return undefined;
  const { backing, size } = event.slot;
  return { region: backing.region, offset: backing.offset, size };
}
