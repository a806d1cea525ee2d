import { alignDown, alignUp, overlaps, type Range, type Size } from '../src/address/index.ts';
import {
  pciWindows,
  type BarSpec,
  type DeviceSpec,
  type PciWindows,
  type Scenario,
} from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

const MIB = 1n << 20n;
/** Firmware gives each BAR a page of its own at least (SeaBIOS: PCI_DEVICE_MEM_MIN). */
const LEAST_ALIGNMENT: Size = 0x1000n;
/** The unit of a bridge's window (PCI-to-PCI bridge specification 1.2, section 3.2.5.6). */
const BRIDGE_UNIT: Size = MIB;
/** What firmware keeps free behind a root port that can be plugged into (SeaBIOS: PCI_BRIDGE_MEM_MIN; OVMF). */
const ROOT_PORT_RESERVE: Size = 2n * MIB;

type Window = 'low' | 'high';

/** What firmware of different kinds does differently. */
export interface FirmwareStyle {
  /** On q35 and virt: whether each device lies behind a root port. */
  readonly behindPorts: boolean;
  /** Whether the user has asked for a reserve behind root ports that is as large as a device needs that comes later. */
  readonly largeReserve: boolean;
  /** Whether 64-bit BARs on the root bus that are not prefetchable lie above 4 GiB, too. */
  readonly wideBarsHigh: boolean;
  /** Whether the BARs lie at the end of their window, as SeaBIOS places them. */
  readonly topDown: boolean;
}

/** Everything on the root bus, from the start of the windows on. */
export const PLAIN_STYLE: FirmwareStyle = {
  behindPorts: false,
  largeReserve: true,
  wideBarsHigh: true,
  topDown: false,
};

/** Firmware of any kind. */
export const chooseStyle = (choose: Choose): FirmwareStyle => ({
  behindPorts: choose.chance(70),
  largeReserve: choose.chance(70),
  wideBarsHigh: choose.chance(60),
  topDown: choose.chance(30),
});

/** A memory BAR of a device, with the device's id. */
interface OwnedBar {
  readonly device: string;
  readonly bar: BarSpec;
}

/** BARs that lie behind one bridge in one window, or a BAR on the root bus. */
interface Block {
  readonly bars: readonly OwnedBar[];
  readonly size: Size;
  readonly alignment: Size;
  /** Whether the block is the window of a bridge. */
  readonly isBridge: boolean;
}

const keyOf = (device: string, bar: number): string => `${device} ${bar}`;
const descending = (a: bigint, b: bigint): number => (a > b ? -1 : a < b ? 1 : 0);
const alignmentOf = ({ size }: BarSpec): Size => (size > LEAST_ALIGNMENT ? size : LEAST_ALIGNMENT);

/**
 * The addresses that firmware gives the BARs. Large BARs come first, each at a multiple of its size (natural order). On
 * q35 and virt each device may lie behind a root port, whose windows are of whole MiB and hold a reserve for a
 * device that is plugged in later.
 */
export class FirmwareLayout {
  readonly #windows: PciWindows;
  readonly #addresses = new Map<string, bigint>();
  /** The window of each BAR: that of its bridge, or that of the root bus. */
  readonly #room = new Map<string, Range>();
  readonly #sizes = new Map<string, Size>();

  /** @param later ids of the devices that are plugged in after firmware has run. */
  constructor(
    { behindPorts, largeReserve, wideBarsHigh, topDown }: FirmwareStyle,
    scenario: Pick<Scenario, 'machine' | 'host' | 'revision'>,
    devices: readonly DeviceSpec[],
    later: ReadonlySet<string>,
  ) {
    const { type } = scenario.machine;
    this.#windows = pciWindows(scenario);
    const ports = behindPorts && (type === 'q35' || type === 'virt');
    const byWindow: Record<Window, Block[]> = { low: [], high: [] };
    for (const device of devices) {
      const isLate = later.has(device.id);
      for (const [window, bars] of this.#split(device, !ports && wideBarsHigh)) {
        if (!ports) {
          byWindow[window].push(...bars.map(blockOfBar));
          continue;
        }
        const block = behindBridge(bars);
        const size = block.size < ROOT_PORT_RESERVE ? ROOT_PORT_RESERVE : block.size;
        // Without a reserve of its own, a device with large BARs finds no room when it is plugged in.
        if (!isLate || largeReserve || block.size <= ROOT_PORT_RESERVE)
          byWindow[window].push({ ...block, size });
      }
    }
    for (const window of ['low', 'high'] as const) this.#place(window, byWindow[window], topDown);
  }

  /** The address of a BAR; `undefined` where firmware finds no room for it. */
  addressOf(device: string, bar: number): bigint | undefined {
    return this.#addresses.get(keyOf(device, bar));
  }

  /** Another free address for the BAR in its window, as an operating system gives it; often beside another BAR. */
  move(choose: Choose, device: string, bar: number): bigint | undefined {
    const key = keyOf(device, bar);
    const room = this.#room.get(key);
    if (room === undefined) return undefined;
    const size = this.#sizes.get(key)!;
    const others = [...this.#addresses].filter(([other]) => other !== key);
    const taken = others.map(([other, start]) => ({ start, end: start + this.#sizes.get(other)! }));
    const neighbours = taken.map(({ end }) => alignUp(end, size));
    const first = alignUp(room.start, size);
    const candidates = [...neighbours, ...Array.from({ length: 8 }, (_, at) => first + BigInt(at) * size)];
    const free = candidates.filter((start) => {
      const range = { start, end: start + size };
      return start >= room.start && range.end <= room.end && !taken.some((other) => overlaps(other, range));
    });
    if (free.length === 0) return undefined;
    const address = choose.among(free);
    this.#addresses.set(key, address);
    return address;
  }

  /**
   * The memory BARs of a device by the window that they go to.
   *
   * @param allHigh whether 64-bit BARs that are not prefetchable go to the high window, too.
   */
  #split({ id, bars }: DeviceSpec, allHigh: boolean): Map<Window, OwnedBar[]> {
    const split = new Map<Window, OwnedBar[]>();
    for (const bar of bars) {
      if (bar.type === 'io') continue;
      // A bridge has 64-bit addresses only for prefetchable memory (PCI-to-PCI bridge specification, section 3.2.5.9).
      const isWide = bar.type === 'mem64p' || (bar.type === 'mem64' && allHigh);
      const window = isWide && this.#windows.high !== undefined ? 'high' : 'low';
      split.set(window, [...(split.get(window) ?? []), { device: id, bar }]);
    }
    return split;
  }

  #place(name: Window, blocks: readonly Block[], topDown: boolean): void {
    const window = this.#windows[name];
    if (window === undefined) return;
    const ordered = blocks.toSorted((a, b) => descending(a.alignment, b.alignment));
    let free = window;
    for (const { bars, size, alignment, isBridge } of ordered) {
      const start = topDown ? alignDown(free.end - size, alignment) : alignUp(free.start, alignment);
      if (start < free.start || start + size > free.end) continue;
      free = topDown ? { ...free, end: start } : { ...free, start: start + size };
      let next = start;
      for (const { device, bar } of bars) {
        next = alignUp(next, alignmentOf(bar));
        const key = keyOf(device, bar.index);
        this.#addresses.set(key, next);
        this.#sizes.set(key, bar.size);
        this.#room.set(key, isBridge ? { start, end: start + size } : window);
        next += bar.size;
      }
    }
  }
}

const blockOfBar = (owned: OwnedBar): Block => {
  const alignment = alignmentOf(owned.bar);
  return { bars: [owned], size: alignment, alignment, isBridge: false };
};

/** The window of a bridge in front of one device. */
function behindBridge(bars: readonly OwnedBar[]): Block {
  const ordered = bars.toSorted((a, b) => descending(a.bar.size, b.bar.size));
  const largest = alignmentOf(ordered[0]!.bar);
  const alignment = largest > BRIDGE_UNIT ? largest : BRIDGE_UNIT;
  let end = 0n;
  for (const { bar } of ordered) end = alignUp(end, alignmentOf(bar)) + bar.size;
  return { bars: ordered, size: alignUp(end, BRIDGE_UNIT), alignment, isBridge: true };
}
