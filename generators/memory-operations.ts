import { alignDown, alignUp, greater, lesser, offset, type Size } from '../src/address/index.ts';
import { withLaterArea } from './later-area.ts';
import { BLOCK_SIZE, type HostSpec, type Operation, type Scenario } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** How many of a hundred scenarios have a virtio-mem. */
const VIRTIO_MEM_SHARE = 6;
/** Of a hundred of these, how many have an IOMMU that ends among the blocks. */
const CUT_SHARE = 35;
/** How many of a hundred scenarios log dirty pages for a while. */
const DIRTY_LOG_SHARE = 5;
/** How many of a hundred scenarios have a BAR that the host offers read-only. */
const READONLY_BAR_SHARE = 4;
/** How many of a hundred scenarios with iommufd have a BAR whose only mmap area begins later than the BAR. */
const LATER_AREA_SHARE = 8;

const MOST_BLOCKS = 6n;

/** What may be added to a scenario. */
export interface MemoryOptions {
  /** Whether the VMM has virtio-mem. */
  readonly virtioMem: boolean;
  /** Whether hosts offer read-only BARs. A release that aborts when the kernel refuses a BAR would end all of them alike. */
  readonly readonlyBars: boolean;
  /** Whether a real machine has to show the scenario. */
  readonly isReal: boolean;
}

/**
 * Adds a virtio-mem, a migration, a read-only BAR or one with a later mmap area to a few scenarios. Each draw comes before the question whether its
 * result is wanted, so that a seed gives the same other cases for every revision.
 */
export function withMemoryOperations(
  choose: Choose,
  scenario: Scenario,
  { virtioMem, readonlyBars, isReal }: MemoryOptions,
): Scenario {
  let { devices, operations, host } = scenario;
  if (choose.chance(READONLY_BAR_SHARE) && readonlyBars) devices = withReadonlyBar(choose, devices);
  if (choose.chance(VIRTIO_MEM_SHARE) && virtioMem) {
    operations = withVirtioMem(choose, scenario, isReal);
    if (choose.chance(CUT_SHARE) && !isReal) host = withApertureThatCuts(choose, host, operations);
  }
  if (choose.chance(DIRTY_LOG_SHARE)) operations = withDirtyLog(choose, operations);
  const drawn = { ...scenario, host, devices, operations };
  const isLater = choose.chance(LATER_AREA_SHARE);
  return isLater && host.iommu.type === 'iommufd' && !isReal ? withLaterArea(choose, drawn) : drawn;
}

function withReadonlyBar(choose: Choose, devices: Scenario['devices']): Scenario['devices'] {
  const places = devices.flatMap(({ bars, msix }, device) =>
    bars.flatMap(({ type, mmap, index }, bar) =>
      type !== 'io' && mmap && msix?.tableBar !== index && msix?.pbaBar !== index ? [{ device, bar }] : [],
    ),
  );
  if (places.length === 0) return devices;
  const place = choose.among(places);
  const chosen = devices[place.device]!;
  const bars = chosen.bars.with(place.bar, { ...chosen.bars[place.bar]!, writable: false });
  return devices.with(place.device, { ...chosen, bars });
}

/** The indexes at which an operation can be inserted outside of a transaction. */
function settledPlaces(operations: readonly Operation[], from = 0): readonly number[] {
  const places: number[] = [];
  let depth = 0;
  for (let index = 0; index <= operations.length; index++) {
    if (depth === 0 && index >= from) places.push(index);
    const op = operations[index]?.op;
    if (op === 'begin') depth++;
    else if (op === 'commit') depth--;
  }
  return places;
}

/** A migration that begins somewhere, and mostly ends without success. */
function withDirtyLog(choose: Choose, operations: readonly Operation[]): readonly Operation[] {
  const start = choose.among(settledPlaces(operations));
  const begun = operations.toSpliced(start, 0, { op: 'start-dirty-log' });
  if (choose.chance(40)) return begun;
  return begun.toSpliced(choose.among(settledPlaces(begun, start + 1)), 0, { op: 'stop-dirty-log' });
}

/** The user adds a virtio-mem behind RAM, and the guest plugs and unplugs blocks of it. */
function withVirtioMem(
  choose: Choose,
  { machine, host, operations }: Scenario,
  isReal: boolean,
): readonly Operation[] {
  // QEMU refuses virtio-mem where the host accepts few mappings, and pseries has none. A vfio-user server unmaps whole
  // mappings alone, and QEMU asks it for more.
  const { type, maxMappings, pageSizes } = host.iommu;
  if (machine.type === 'pseries' || type === 'vfio-user' || maxMappings !== undefined) return operations;
  const block = chooseBlock(choose, pageSizes, machine.hostPageSize);
  const count = choose.bigint(1n, MOST_BLOCKS);
  const name = 'virtio-mem';
  const address = alignUp(behindRam(machine), block);
  const added: Operation = {
    op: 'add-region',
    name,
    kind: 'virtio-mem',
    address,
    size: block * count,
    priority: 0,
    ...(block !== BLOCK_SIZE && { blockSize: block }),
  };
  let at = choose.among(settledPlaces(operations));
  let whole = operations.toSpliced(at, 0, added);
  if (!isReal && count > 1n && choose.chance(60)) {
    // Registers over one block cut the memory into two sections.
    const over = { name: 'over-virtio-mem', kind: 'io', priority: 1 } as const;
    const start = address + block * choose.bigint(0n, count - 1n);
    at = choose.among(settledPlaces(whole, at + 1));
    whole = whole.toSpliced(at, 0, { op: 'add-region', ...over, address: start, size: block });
  }
  for (let changes = choose.integer(1, 4); changes > 0; changes--) {
    at = choose.chance(60) ? at + 1 : choose.among(settledPlaces(whole, at + 1));
    const first = choose.bigint(0n, count - 1n);
    const change: Operation = {
      op: changes > 1 && choose.chance(35) ? 'unplug-blocks' : 'plug-blocks',
      name,
      offset: offset(first * block),
      size: block * choose.bigint(1n, count - first),
    };
    whole = whole.toSpliced(at, 0, change);
  }
  if (!choose.chance(25)) return whole;
  return whole.toSpliced(choose.among(settledPlaces(whole, at + 1)), 0, { op: 'remove-region', name });
}

/**
 * The host, with an IOMMU whose last address lies within the virtio-mem, at the end of a block: of the blocks that the guest
 * plugs at once the host then maps some and refuses others.
 */
function withApertureThatCuts(choose: Choose, host: HostSpec, operations: readonly Operation[]): HostSpec {
  const memory = operations.find(
    (operation) => operation.op === 'add-region' && operation.kind === 'virtio-mem',
  );
  if (memory?.op !== 'add-region') return host;
  const block = memory.blockSize ?? BLOCK_SIZE;
  const last = memory.address + block * choose.bigint(1n, greater(memory.size / block - 1n, 1n)) - 1n;
  const below = (host.iommu.apertures ?? [{ start: 0n, end: last }]).filter(({ start }) => start < last);
  const lowest = below.at(-1);
  if (lowest === undefined) return host;
  const apertures = [...below.slice(0, -1), { start: lowest.start, end: last }];
  return { ...host, iommu: { ...host.iommu, apertures } };
}

/** A block is no smaller than the pages of host and IOMMU. */
function chooseBlock(choose: Choose, pages: readonly Size[], hostPage: Size): Size {
  const smallest = pages.reduce((least, size) => lesser(least, size));
  const least = greater(smallest, hostPage);
  return greater(choose.among([least, least * 2n, BLOCK_SIZE, BLOCK_SIZE * 2n]), least);
}

/** Where machines put hot-plugged memory: above RAM, and above 4 GiB. */
function behindRam(machine: Scenario['machine']): bigint {
  const end = machine.ram + (1n << 32n);
  return alignDown<bigint>(end, 1n << 30n) + (1n << 30n);
}
