import { bytes, greater, hex, intersection, isPowerOfTwo, type Range } from '../../address/index.ts';
import type { Violation } from '../../invariants/index.ts';
import { msixPbaRange, msixTableRange } from '../../pci-layout/index.ts';
import { slotName, type BarSpec, type DeviceSpec } from '../../scenario/index.ts';
import { isMemory, type Trace } from '../../trace/index.ts';
import { count } from '../count.ts';
import type { GuestMap, MapBox, MapColumn, MapMark, NamedStart } from './guest-map.ts';
import { pageBoxes } from './page-boxes.ts';

/** What a picture of a run shows where the guest has given the BARs no address. */
export type LayoutOfRun = Pick<GuestMap, 'text' | 'columns' | 'marks' | 'starts'>;

/** Each BAR has so much of the picture's axis to itself. */
const AXIS_OF_BAR = 1n << 65n;

/** A BAR on the axis of the picture. */
interface Placed {
  readonly device: DeviceSpec;
  readonly bar: BarSpec;
  /** Where the BAR begins on the axis. */
  readonly base: bigint;
}

/**
 * The BARs of the devices by the offsets in them, with table, PBA and mmap areas, or the RAM of the guest where no device
 * has a BAR: for a violation in a step in which no BAR has an address.
 *
 * @param index of the step.
 */
export function layoutOfRun(trace: Trace, violation: Violation | undefined, index: number): LayoutOfRun {
  const placed = trace.scenario.devices
    .flatMap((device) => device.bars.map((bar) => ({ device, bar })))
    .map((one, at): Placed => ({ ...one, base: BigInt(at) * AXIS_OF_BAR }));
  return placed.length === 0 ? ramOfRun(trace, index) : layoutOfBars(placed, { trace, violation, index });
}

interface Run {
  readonly trace: Trace;
  readonly violation: Violation | undefined;
  readonly index: number;
}

function layoutOfBars(placed: readonly Placed[], run: Run): LayoutOfRun {
  const bars = placed.map(barBox);
  const msix = placed.flatMap(msixBoxes);
  const areas = placed.flatMap((one) => areaBoxes(one, run));
  const columns: readonly MapColumn[] = [
    { title: 'BARs', subtitle: 'of the devices', boxes: bars },
    { title: 'MSI-X', subtitle: 'table and PBA', boxes: msix },
    { title: 'mmap areas', subtitle: 'asked for by QEMU', boxes: areas },
    {
      title: 'host pages',
      subtitle: 'smallest unit of mmap',
      boxes: pageBoxes([...bars, ...msix, ...areas], run.trace.pages.host, 'page'),
    },
  ];
  return {
    text: [
      'In this step the guest has given no BAR an address: the picture shows offsets in the BARs. No memslot and no DMA map is of them.',
    ],
    columns: columns.filter(({ boxes }) => boxes.length > 0),
    marks: marksOf(placed, { msix, areas }, run.violation),
    starts: placed.map(({ device, bar, base }): NamedStart => ({
      start: base,
      name: `${device.id} ${slotName(bar.index)}`,
    })),
  };
}

const barBox = ({ device, bar, base }: Placed): MapBox => ({
  start: base,
  end: base + bar.size,
  label: `${device.id} ${slotName(bar.index)}, ${bytes(bar.size)}`,
  kind: 'bar',
});

function msixBoxes({ device: { msix }, bar, base }: Placed): readonly MapBox[] {
  if (msix === undefined) return [];
  const at = (index: number, range: Range, label: string, kind: 'table' | 'pba'): MapBox[] =>
    index === bar.index ? [{ start: base + range.start, end: base + range.end, label, kind }] : [];
  return [
    ...at(msix.tableBar, msixTableRange(msix), `table, ${count(msix.vectors, 'vector')}`, 'table'),
    ...at(msix.pbaBar, msixPbaRange(msix), 'PBA', 'pba'),
  ];
}

/** What QEMU has mmapped up to the step; before that, what the host offers. */
function areaBoxes({ device, bar, base }: Placed, { trace, index }: Run): readonly MapBox[] {
  const asked = trace.steps
    .slice(0, index + 1)
    .flatMap(({ events }) => events)
    .flatMap((event): Range[] =>
      event.type === 'mmap' && event.device === device.id && event.bar === bar.index && event.errno === 0
        ? [{ start: event.offset, end: event.offset + event.size }]
        : [],
    );
  const unique = asked.filter(
    (area, at) => asked.findIndex(({ start, end }) => start === area.start && end === area.end) === at,
  );
  return unique.map(({ start, end }) => ({
    start: base + start,
    end: base + end,
    label: `mmap ${hex(start)}-${hex(end - 1n)}`,
    kind: 'mmap',
  }));
}

/** What is wrong with the layout itself, and where the violation is of one part: that part. */
function marksOf(
  placed: readonly Placed[],
  { msix, areas }: { readonly msix: readonly MapBox[]; readonly areas: readonly MapBox[] },
  violation: Violation | undefined,
): readonly MapMark[] {
  const wrong = (range: Range, label: string): MapMark => ({
    start: range.start,
    end: range.end,
    label,
    tone: 'wrong',
  });
  const faults = [
    ...placed
      .filter(({ bar }) => bar.size > 0n && !isPowerOfTwo(bar.size))
      .map((one) => wrong(barBox(one), `the size ${hex(one.bar.size)} is no power of two`)),
    ...placed.flatMap(({ bar, base }) =>
      [...msix, ...areas].flatMap((box): MapMark[] => {
        const end = base + bar.size;
        const isOfBar = base <= box.start && box.start < base + AXIS_OF_BAR;
        const start = greater(box.start, end);
        return isOfBar && box.end > end
          ? [wrong({ start, end: box.end }, `${bytes(box.end - start)} of "${box.label}" lie beyond the BAR`)]
          : [];
      }),
    ),
    ...msix.flatMap((box, at) =>
      msix.slice(at + 1).flatMap((other): MapMark[] => {
        const common = intersection(box, other);
        return common === undefined ? [] : [wrong(common, 'table and PBA overlap')];
      }),
    ),
  ];
  if (faults.length > 0 || violation === undefined) return faults;
  const part = partOf(violation, msix) ?? barBox(placed[0]!);
  return [wrong(part, `${violation.cause.replaceAll('-', ' ')}: about this part`)];
}

/** The table or the PBA where the cause names MSI-X. */
const partOf = ({ cause }: Violation, msix: readonly MapBox[]): MapBox | undefined =>
  cause.includes('msix') ? msix.at(-1) : undefined;

/** The guest's RAM, where no device has a BAR to show. */
function ramOfRun({ steps, scenario, pages }: Trace, index: number): LayoutOfRun {
  const { state, operation } = steps[index]!;
  const added =
    operation?.op === 'add-region'
      ? { start: operation.address, end: operation.address + operation.size, name: operation.name }
      : undefined;
  const ram = state.flatView.filter(isMemory);
  const slots = state.memslots.map(({ gpa, size }): MapBox => ({
    start: gpa,
    end: gpa + size,
    label: 'direct (memslot)',
    kind: 'direct',
  }));
  const mapped = state.containers
    .flatMap(({ mappings }) => mappings)
    .map(({ iova, size }): MapBox => ({
      start: iova,
      end: iova + size,
      label: 'mapped for DMA',
      kind: 'mapped',
    }));
  const regions = ram.map(({ start, end, region }): MapBox => ({
    start,
    end,
    label: region.name,
    kind: 'ram',
  }));
  const columns: readonly MapColumn[] = [
    { title: 'guest memory', subtitle: 'RAM and ROM', boxes: regions },
    { title: 'host pages', subtitle: 'smallest units', boxes: pageBoxes(regions, pages.host, 'page') },
    { title: 'CPU', subtitle: 'KVM memslots', boxes: slots },
    { title: 'DMA', subtitle: 'VFIO mappings', boxes: mapped },
  ];
  return {
    text: [
      `${scenario.devices.map(({ id }) => id).join(', ')} has no BAR: the picture shows the memory of the guest.`,
      ...(added === undefined ? ['No address is at fault.'] : []),
    ],
    columns: columns.filter(({ boxes }) => boxes.length > 0),
    marks:
      added === undefined
        ? []
        : [
            {
              start: added.start,
              end: added.end,
              label: `the step adds "${added.name}" here`,
              tone: 'wrong',
            },
          ],
  };
}
