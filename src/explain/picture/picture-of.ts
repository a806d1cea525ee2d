import { hex, partsOutside, type Range } from '../../address/index.ts';
import {
  bytes,
  guestMapSvg,
  mapOfTrace,
  pageBoxes,
  type GuestMap,
  type MapBox,
  type MapColumn,
  type MapMark,
} from '../../report/index.ts';
import { findNamedHost, type NamedHost } from '../../scenario/index.ts';
import type { DeviceAnswer } from '../device/explain-device.ts';
import { isTriable } from '../device/missing-facts.ts';
import { worstFirst } from '../device/machine-text.ts';
import type { Explanation } from '../explain.ts';
import type { LogFinding } from '../log/log-finding.ts';
import type { DumpAnswer, RangeAnswer } from '../mtree/explain-dump.ts';
import { deviceMap } from './device-map.ts';
import { overlapMap } from './overlap-map.ts';
import { hasVfioDevice, isOfVfioDevice } from '../mtree/why-trapped.ts';
import { spaceOf } from '../mtree/view-ranges.ts';
import { viewBox } from './view-box.ts';

/** The host of a picture where the user names none. */
const DEFAULT_HOST = findNamedHost('server-46')!;
const MOST_RANGES = 24;

/**
 * The memory map of what was explained, as SVG: of a case with its violation outlined, of a dump, of the worst device,
 * or of the refused map of a log.
 *
 * @returns `undefined` where the texts show no addresses to draw.
 */
export function pictureOf({ answers }: Explanation, host: NamedHost | undefined): string | undefined {
  for (const answer of answers)
    if (answer.kind === 'case') return guestMapSvg(mapOfTrace(answer.trace, answer.main));
  for (const answer of answers)
    if (answer.kind === 'dump') {
      if (answer.ranges.length > 0) return guestMapSvg(dumpMap(answer));
      const overlap = answer.view === undefined ? undefined : overlapMap(answer.view);
      if (overlap !== undefined) return guestMapSvg(overlap);
    }
  const devices = worstFirst(answers.filter((answer) => answer.kind === 'device'));
  const device = devices.find(isDrawable);
  if (device !== undefined) return guestMapSvg(deviceMap(device, host ?? DEFAULT_HOST));
  const log = answers.find(
    (answer): answer is LogFinding => answer.kind === 'log' && answer.request !== undefined,
  );
  return log === undefined ? undefined : guestMapSvg(requestMap(log, host));
}

const isDrawable = ({ device, trapping }: DeviceAnswer): boolean => trapping.length > 0 && isTriable(device);

function dumpMap({ ranges, host, view }: DumpAnswer): GuestMap {
  const hasDevice = hasVfioDevice(ranges.map(({ range }) => range));
  const ofDevices = hasDevice ? ranges.filter(({ range }) => isOfVfioDevice(range)) : [];
  const memory = ranges.filter(({ range }) => range.type !== 'i/o' && range.type !== 'container');
  const shown = (ofDevices.length > 0 ? ofDevices : memory).slice(0, MOST_RANGES);
  const places = shown.map(({ range }) => range);
  const page = host!.host.hostPageSize;
  const columns: readonly MapColumn[] = [
    {
      title: "QEMU's regions",
      subtitle: 'the flat view',
      boxes: places.map(viewBox),
    },
    { title: 'host pages', subtitle: `of ${host!.host.id}`, boxes: pageBoxes(places, page, 'page') },
    { title: 'CPU', subtitle: 'KVM memslots', boxes: shown.flatMap(cpuBoxes) },
    { title: 'DMA', subtitle: 'VFIO mappings', boxes: shown.flatMap(dmaBoxes) },
  ];
  const marks = shown
    .filter(({ dma, cpu }) => dma === 'refused' || dma === 'skipped' || cpu === 'KVM refuses the slot')
    .slice(0, 6)
    .map(({ range, whyNotMapped, whyTrapped, cpu, dma }): MapMark => ({
      start: range.start,
      end: range.end,
      label:
        cpu === 'KVM refuses the slot'
          ? (whyTrapped ?? cpu)
          : `${dma === 'refused' ? 'DMA refused' : 'no DMA'}: ${whyNotMapped ?? ''}`,
      tone: cpu === 'KVM refuses the slot' || dma === 'refused' ? 'wrong' : 'note',
    }));
  return {
    title: `The view of ${(view && spaceOf(view)) ?? 'memory'} on ${host!.host.id}`,
    text: [
      ofDevices.length > 0
        ? 'The regions of passed-through devices, and what KVM and VFIO make of them.'
        : 'The view has no region of a passed-through device; these are its RAM and ROM.',
    ],
    columns,
    marks,
  };
}

function cpuBoxes({ range, cpu, slot }: RangeAnswer): readonly MapBox[] {
  if (slot === undefined)
    return [{ ...place(range), label: cpu, kind: cpu === 'KVM refuses the slot' ? 'refused' : 'trapped' }];
  return [
    { ...slot, label: 'direct (memslot)', kind: 'direct' },
    ...partsOutside(range, [slot]).map((rest): MapBox => ({ ...rest, label: 'trapped', kind: 'trapped' })),
  ];
}

function dmaBoxes({ range, dma, mapped }: RangeAnswer): readonly MapBox[] {
  if (dma === undefined) return [];
  if (mapped === undefined)
    return [{ ...place(range), label: dma, kind: dma === 'refused' ? 'refused' : 'skipped' }];
  return [
    { ...mapped, label: 'mapped for DMA', kind: 'mapped' },
    ...partsOutside(range, [mapped]).map((rest): MapBox => ({
      ...rest,
      label: 'not mapped',
      kind: 'skipped',
    })),
  ];
}

const place = ({ start, end }: Range): Range => ({ start, end });

/** What the CPU of a host addresses, or its IOMMU translates. The end is the last address. */
const addressesOf = (
  { cpu, iommu }: NamedHost,
  what: 'DMA map' | 'memslot',
): readonly { readonly start: bigint; readonly end: bigint }[] =>
  what === 'memslot'
    ? [{ start: 0n, end: (1n << BigInt(cpu.physBits)) - 1n }]
    : (iommu.apertures ?? [{ start: 0n, end: (1n << 64n) - 1n }]);

/** The refused map of a log beside the addresses that some hosts translate. */
function requestMap({ request, limit, why }: LogFinding, named: NamedHost | undefined): GuestMap {
  const asked: Range = { start: request!.iova, end: request!.iova + request!.size };
  const hosts =
    named === undefined ? ['laptop-39', 'server-46', 'amd-server'].map((id) => findNamedHost(id)!) : [named];
  const page = named?.hostPageSize ?? 0x1_0000n;
  const all = hosts.map((host) => ({ host, addresses: addressesOf(host, request!.what) }));
  // A host that translates the range says nothing about a container that does not.
  const refusing = limit.includes('IOVA ranges')
    ? all.filter(
        ({ addresses }) => !addresses.some(({ start, end }) => start <= asked.start && asked.end - 1n <= end),
      )
    : all;
  return {
    title: `The refused ${request!.what}: ${limit}`,
    text: why,
    columns: [
      {
        title: 'the request',
        subtitle: request!.what,
        boxes: [{ ...asked, label: `${hex(asked.start)}, ${bytes(request!.size)}`, kind: 'refused' }],
      },
      ...(limit.includes('alignment')
        ? [{ title: 'host pages', subtitle: `of ${bytes(page)}`, boxes: pageBoxes([asked], page, 'page') }]
        : []),
      ...(refusing.length === 0 && limit.includes('IOVA ranges')
        ? [
            {
              title: 'the container',
              subtitle: 'IOVAs that it has',
              boxes: [{ ...asked, label: 'none here', kind: 'refused' as const }],
            },
          ]
        : []),
      ...refusing.map(({ host: { id }, addresses: widest }): MapColumn => {
        return {
          title: id,
          subtitle: request!.what === 'memslot' ? 'addresses of its CPU' : 'addresses of its IOMMU',
          boxes: widest.map(({ start, end }): MapBox => ({
            start,
            end: end + 1n,
            label: start === 0n ? `up to ${hex(end)}` : `${hex(start)} to ${hex(end)}`,
            kind: 'limit',
          })),
        };
      }),
    ],
    marks: [{ ...asked, label: `refused: ${limit}`, tone: 'wrong' }],
  };
}
