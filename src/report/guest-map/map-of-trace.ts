import { bytes, hex, overlaps, partsOutside, type Range } from '../../address/index.ts';
import { errnoName } from '../../host/index.ts';
import { findInvariant, type Violation } from '../../invariants/index.ts';
import { msixPbaRange, msixTableRange } from '../../pci-layout/index.ts';
import { slotName } from '../../scenario/index.ts';
import {
  isMemory,
  isSettled,
  type BarState,
  type DeviceState,
  type State,
  type Step,
  type Trace,
  type TraceRange,
} from '../../trace/index.ts';
import { count } from '../count.ts';
import { skipOf } from '../dma-requests.ts';
import { layoutOfRun } from './device-layout.ts';
import type { GuestMap, MapBox, MapColumn, MapMark } from './guest-map.ts';
import { pageBoxes } from './page-boxes.ts';
import { unalignedMapAt } from './unaligned-map.ts';

/** A space at which no line ends. */
const NO_BREAK = '\u00a0';
/** So many borders make a picture that a reader can still take in. */
const MOST_RANGES = 24;

/**
 * The memory map of a run at the step of a violation, or at its end.
 *
 * @param violation the violation to outline; none for a run in which nothing is wrong.
 * @param marks further addresses to outline.
 * @param at the step to draw, where that is not the step of the violation.
 */
export function mapOfTrace(
  trace: Trace,
  violation: Violation | undefined,
  marks: readonly MapMark[] = [],
  at: number = violation?.step ?? trace.steps.length - 1,
): GuestMap {
  const index = Math.min(at, trace.steps.length - 1);
  const step = trace.steps[index]!;
  const { state } = step;
  const shown = shownRanges(state, violation?.at);
  const requests = requestsOf(step).filter(({ start, end }) => near({ start, end }, shown, violation?.at));
  const edges: readonly Range[] = [
    ...shown,
    ...requests,
    ...(violation?.at === undefined ? [] : [violation.at]),
  ];
  const { pages } = trace;
  const unaligned = violation?.at && unalignedMapAt(step, violation.at, trace);
  // KVM's listener runs behind the one in which QEMU died.
  const isDead = !isSettled(trace, index);
  const columns: readonly MapColumn[] = [
    { title: 'BARs', subtitle: 'of the devices', boxes: within(barBoxes(state), edges) },
    { title: 'MSI-X', subtitle: 'table and PBA', boxes: within(msixBoxes(state), edges) },
    { title: "QEMU's regions", subtitle: 'mmap areas, emulation', boxes: regionBoxes(shown) },
    ...(pages.host === pages.iommu
      ? [
          {
            title: 'host, IOMMU pages',
            subtitle: 'the smallest units',
            boxes: pageBoxes(edges, pages.host, 'page'),
          },
        ]
      : [
          {
            title: 'host pages',
            subtitle: 'smallest unit of KVM',
            boxes: pageBoxes(edges, pages.host, 'page'),
          },
          {
            title: 'IOMMU pages',
            subtitle: 'smallest unit of DMA',
            boxes: pageBoxes(edges, pages.iommu, 'page'),
          },
        ]),
    // Without memslots the picture cannot say what is direct.
    ...(trace.hidesMemslots === true
      ? []
      : [{ title: 'CPU', subtitle: 'KVM memslots', boxes: cpuBoxes(state, shown, isDead) }]),
    { title: 'DMA', subtitle: 'VFIO mappings', boxes: dmaBoxes({ trace, index }, shown, requests) },
  ];
  const shownColumns = columns.filter(({ boxes }) => boxes.length > 0);
  const layout = shownColumns.length === 0 ? layoutOfRun(trace, violation, index) : undefined;
  return {
    title:
      violation === undefined
        ? `${trace.revision}: the memory map of the devices`
        : `${violation.invariant} is broken on ${trace.revision}`,
    text: [
      ...(violation === undefined
        ? []
        : [
            `Rule: ${findInvariant(violation.invariant).clause}.`,
            `Here: ${violation.message.replace(/\.$/, '')}.`,
            ...(unaligned ? [unaligned.sentence] : []),
          ]),
      ...(layout?.text ?? []),
    ],
    columns: layout?.columns ?? shownColumns,
    ...(layout?.starts !== undefined && { starts: layout.starts }),
    marks: layout?.marks ?? [
      ...(violation?.at === undefined
        ? []
        : [
            {
              start: violation.at.start,
              end: violation.at.end,
              label: `these bytes are wrong: ${hex(violation.at.start)}-${hex(violation.at.end - 1n)}, ${bytes(violation.at.end - violation.at.start).replace(' ', NO_BREAK)}: ${violation.cause.replaceAll('-', ' ')}${unaligned ? `: ${unaligned.names}` : ''}`,
              tone: 'wrong' as const,
            },
          ]),
      ...marks,
    ],
  };
}

/** The ranges of devices, and those that the violation touches; of many, those next to the violation. */
function shownRanges({ flatView }: State, at: Range | undefined): readonly TraceRange[] {
  const all = flatView.filter(
    (range) => range.region.owner !== undefined || (at !== undefined && overlaps(range, at)),
  );
  if (all.length <= MOST_RANGES) return all;
  const first = at === undefined ? 0 : all.findIndex((range) => range.end > at.start);
  const from = Math.max(0, Math.min(first - MOST_RANGES / 2, all.length - MOST_RANGES));
  return all.slice(from, from + MOST_RANGES);
}

const near = (range: Range, shown: readonly Range[], at: Range | undefined): boolean =>
  shown.some((other) => overlaps(range, other)) || (at !== undefined && overlaps(range, at));

const within = (boxes: readonly MapBox[], edges: readonly Range[]): readonly MapBox[] =>
  boxes.filter((box) => edges.some((edge) => overlaps(box, edge)));

/** Where the BAR begins in system memory: the window of a host bridge may shift the bus address. */
function startOfBar(
  { address, layers }: BarState,
  { id }: DeviceState,
  { flatView }: State,
): bigint | undefined {
  if (address === undefined) return undefined;
  for (const { start, offset, region } of flatView) {
    if (region.owner !== id) continue;
    const layer = layers.find((other) => other.region === region.name);
    if (layer !== undefined) return start - offset - layer.offset;
  }
  return undefined;
}

const barBoxes = (state: State): readonly MapBox[] =>
  state.devices.flatMap((device) =>
    device.bars.flatMap((bar): MapBox[] => {
      const start = startOfBar(bar, device, state);
      return start === undefined || bar.size === 0n
        ? []
        : [
            {
              start,
              end: start + bar.size,
              label: `${device.id} ${slotName(bar.index)}, ${bytes(bar.size)}`,
              kind: 'bar',
            },
          ];
    }),
  );

const msixBoxes = (state: State): readonly MapBox[] =>
  state.devices.flatMap((device): readonly MapBox[] => {
    const layout = device.msix?.layout;
    if (layout === undefined) return [];
    const at = (index: number, range: Range, label: string, kind: 'table' | 'pba'): MapBox[] => {
      const bar = device.bars.find((other) => other.index === index);
      const start = bar && startOfBar(bar, device, state);
      return start === undefined ? [] : [{ start: start + range.start, end: start + range.end, label, kind }];
    };
    return [
      ...at(layout.tableBar, msixTableRange(layout), `table, ${count(layout.vectors, 'vector')}`, 'table'),
      ...at(layout.pbaBar, msixPbaRange(layout), 'PBA', 'pba'),
    ];
  });

/** The regions, with the names of their devices where there are several: a region may lie over another device's BAR. */
function regionBoxes(shown: readonly TraceRange[]): readonly MapBox[] {
  const owners = new Set(shown.map(({ region }) => region.owner).filter((owner) => owner !== undefined));
  return shown.map(({ start, end, region: { name, kind, owner } }): MapBox => {
    const own = owner === undefined ? name : name.replace(/^\S+ (?=(?:base )?BAR )/, '');
    const label = owners.size > 1 && owner !== undefined ? `${owner} ${own}` : own;
    if (kind === 'ram-device') return { start, end, label: `${label} (mmapped)`, kind: 'mmap' };
    if (kind === 'ram') return { start, end, label, kind: 'ram' };
    return { start, end, label: `${label} (emulated)`, kind: 'trapped' };
  });
}

function cpuBoxes({ memslots }: State, shown: readonly TraceRange[], isDead: boolean): readonly MapBox[] {
  const slots = memslots
    .map(({ gpa, size }) => ({ start: gpa, end: gpa + size }))
    .filter((slot) => shown.some((range) => overlaps(range, slot)));
  const memory = shown.filter(isMemory);
  const emulated = shown.filter((range) => !isMemory(range));
  return [
    ...slots.map((slot): MapBox => ({ ...slot, label: 'direct (memslot)', kind: 'direct' })),
    ...rests(emulated, slots).map((rest): MapBox => ({ ...rest, label: 'trapped', kind: 'trapped' })),
    ...rests(memory, slots).map((rest): MapBox =>
      isDead
        ? { ...rest, label: 'no slot yet: QEMU died', kind: 'skipped' }
        : { ...rest, label: 'trapped', kind: 'trapped' },
    ),
  ];
}

interface Request extends Range {
  readonly text: string;
}

/** Maps that the host refuses in the step. */
const requestsOf = ({ events }: Step): readonly Request[] =>
  events.flatMap((event): Request[] => {
    if (event.type === 'dma-map' && event.errno !== 0)
      return [
        {
          start: event.iova,
          end: event.iova + event.size,
          text: `map refused: ${errnoName(event.errno)}`,
        },
      ];
    return [];
  });

/** What becomes of the ranges by DMA. The words for a range that is left out are those of `drawMemoryMap`. */
function dmaBoxes(
  { trace, index }: { readonly trace: Trace; readonly index: number },
  shown: readonly TraceRange[],
  requests: readonly Request[],
): readonly MapBox[] {
  const { containers } = trace.steps[index]!.state;
  const mapped = containers
    .flatMap(({ mappings }) => mappings)
    .map(({ iova, size }) => ({ start: iova, end: iova + size }))
    .filter((mapping) => shown.some((range) => overlaps(range, mapping)));
  const asked = requests.filter((request) => !mapped.some((mapping) => overlaps(mapping, request)));
  return [
    ...mapped.map((mapping): MapBox => ({ ...mapping, label: 'mapped for DMA', kind: 'mapped' })),
    ...asked.map(({ start, end, text }): MapBox => ({ start, end, label: text, kind: 'refused' })),
    ...shown.filter(isMemory).flatMap((range) => {
      const skip = skipOf(range, index, trace);
      const label = skip === undefined ? 'not mapped' : `skipped: ${skip.reason}`;
      return partsOutside(range, [...mapped, ...asked]).map((rest): MapBox => ({
        ...rest,
        label,
        kind: 'skipped',
      }));
    }),
  ];
}

/** The parts of the ranges that none of `covered` has. */
const rests = (ranges: readonly Range[], covered: readonly Range[]): readonly Range[] =>
  ranges.flatMap((range) => partsOutside(range, covered));
