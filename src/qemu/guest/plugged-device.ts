import { iova, offset, type Offset } from '../../address/index.ts';
import {
  MSIX_CAPABILITY_ID,
  MsixControl,
  MsixRegister,
  PciRegister,
  splitLocator,
  type AccessWidth,
  type MsixLayout,
} from '../../pci-layout/index.ts';
import type { DeviceSpec } from '../../scenario/index.ts';
import type { BarLayer, VmmEvent } from '../../vfio/index.ts';
import type { ContainerState, TraceMapping, TraceRange } from '../../trace/index.ts';
import { runCycles, type ConfigAccess, type ConfigRegister } from './config-access.ts';
import type { DeviceServer, ServedRequest } from './device-server.ts';
import type { QemuProcess } from '../process/qemu-process.ts';

/** Where the MSI-X capability of a device is, and what it says that never changes. */
export interface FoundMsix {
  /** Offset in configuration space. */
  readonly position: number;
  readonly layout: MsixLayout;
  /** Where QEMU placed the emulated table. */
  readonly emulatedAt: { readonly bar: number; readonly offset: Offset } | undefined;
}

/** A register and what was written to it. */
export interface ChangedRegister {
  readonly width: AccessWidth;
  /** As the device came. */
  readonly original: number;
  readonly value: number;
}

/** A device that QEMU runs with, and what is known of it. */
export class PluggedDevice {
  readonly spec: DeviceSpec;
  /** Its id in QEMU, which is never used twice in one process. */
  readonly qemuId: string;
  readonly bus: number;
  readonly slot: number;
  readonly server: DeviceServer;
  /** What the trace calls its container. */
  readonly container: string;
  /** The regions that show each BAR's bytes, outermost first. */
  layers: ReadonlyMap<number, readonly BarLayer[]> = new Map();
  msix: FoundMsix | undefined;
  /** The registers of its configuration space that the guest has changed since it was plugged in. */
  readonly registers = new Map<number, ChangedRegister>();
  #live: readonly TraceMapping[] = [];

  constructor(
    spec: DeviceSpec,
    place: {
      readonly qemuId: string;
      readonly bus: number;
      readonly slot: number;
      readonly container: string;
    },
    server: DeviceServer,
  ) {
    this.spec = spec;
    this.qemuId = place.qemuId;
    this.bus = place.bus;
    this.slot = place.slot;
    this.container = place.container;
    this.server = server;
  }

  /** A register of its configuration space. */
  at(register: number): ConfigRegister {
    return { bus: this.bus, slot: this.slot, register };
  }

  /** The mappings alive after the last call of `takeEvents`. */
  get state(): ContainerState {
    return { name: this.container, mappings: this.#live };
  }

  /**
   * The requests since the last call.
   *
   * @param view of DMA, now: what lies behind a request that came without a file is taken from there.
   * @param ram what guest RAM is called: the only thing that a file is sent along for.
   */
  takeEvents(view: readonly TraceRange[], ram: string): readonly VmmEvent[] {
    const requests = this.server.takeRequests();
    if (requests.length === 0) return [];
    let live: readonly TraceMapping[] = this.#live;
    const events = requests.map((request): VmmEvent => {
      const { kind, iova: at, size, errno } = request;
      if (kind === 'map') {
        const mapping = { iova: at, size, readonly: request.readonly, ...backingOf(request, view, ram) };
        if (errno === 0) live = [...live, mapping];
        return { type: 'dma-map', container: this.container, ...mapping, errno };
      }
      const gone = errno === 0 ? live.filter((mapping) => isWithin(mapping, request)) : [];
      live = live.filter((mapping) => !gone.includes(mapping));
      const unmapped = gone.reduce((sum, mapping) => sum + mapping.size, 0n);
      return { type: 'dma-unmap', container: this.container, iova: at, size, unmapped, errno };
    });
    this.#live = live.toSorted((a, b) => (a.iova < b.iova ? -1 : 1));
    return events;
  }

  /** Looks at what never changes: the regions of its BARs, and the MSI-X capability. */
  async inspect(qemu: QemuProcess, config: ConfigAccess, rename: (text: string) => string): Promise<void> {
    const [{ layers, emulatedAt }, found] = await Promise.all([
      readRegions(qemu, this.qemuId, rename),
      this.#findMsix(qemu, config),
    ]);
    this.layers = layers;
    this.msix = found && { ...found, emulatedAt };
  }

  async #findMsix(
    qemu: QemuProcess,
    config: ConfigAccess,
  ): Promise<Omit<FoundMsix, 'emulatedAt'> | undefined> {
    const read = (register: number, width: 1 | 2 | 4) => config.read(this.at(register), width);
    let [position] = await runCycles(qemu.qtest, [read(PciRegister.CAPABILITY_POINTER, 1)]);
    // A list of capabilities that never ends is the device's doing.
    for (let count = 0; count < 48 && position! >= 0x40; count++) {
      const [header, table, pba] = await runCycles(qemu.qtest, [
        read(position!, 4),
        read(position! + MsixRegister.TABLE, 4),
        read(position! + MsixRegister.PBA, 4),
      ]);
      if ((header! & 0xff) === MSIX_CAPABILITY_ID) {
        const [{ bir: tableBar, offset: tableOffset }, { bir: pbaBar, offset: pbaOffset }] = [
          splitLocator(table!),
          splitLocator(pba!),
        ];
        const vectors = ((header! >>> 16) & MsixControl.TABLE_SIZE) + 1;
        return {
          position: position!,
          layout: { vectors, tableBar, tableOffset, pbaBar, pbaOffset },
        };
      }
      position = (header! >>> 8) & 0xfc;
    }
    return undefined;
  }
}

const isWithin = (
  inner: { readonly iova: bigint; readonly size: bigint },
  outer: { readonly iova: bigint; readonly size: bigint },
): boolean => inner.iova >= outer.iova && inner.iova + inner.size <= outer.iova + outer.size;

/** What is behind a request: told by the file for RAM, and by the memory map for everything else. */
function backingOf(
  { iova: at, size, readonly, fileOffset }: ServedRequest,
  view: readonly TraceRange[],
  ram: string,
): Pick<TraceMapping, 'backing' | 'deviceMemory' | 'hostAddress'> {
  if (fileOffset !== undefined) {
    const backing = { region: ram, owner: undefined, offset: offset(fileOffset) };
    return { backing, deviceMemory: false, hostAddress: undefined };
  }
  const shown = view.find(({ start, end }) => start <= at && at + size <= end);
  if (shown === undefined) {
    // Gone again before anybody could look, or never there.
    const backing = { region: '(not in the memory map)', owner: undefined, offset: offset(0n) };
    return { backing, deviceMemory: !readonly, hostAddress: undefined };
  }
  const { region, start } = shown;
  const backing = {
    region: region.name,
    owner: region.owner,
    offset: offset(shown.offset + (iova(at) - start)),
  };
  return { backing, deviceMemory: region.kind === 'ram-device', hostAddress: undefined };
}

/** The region of an emulated table. */
const MSIX_TABLE = 'msix-table';

/** The device's regions as the object model has them (`qom-list`): `NAME BAR 0 mmaps[1]` and so on. */
async function readRegions(qemu: QemuProcess, qemuId: string, rename: (text: string) => string) {
  const root = `/machine/peripheral/${qemuId}`;
  const children = (await qemu.qmp.execute('qom-list', { path: root })) as { name: string; type: string }[];
  const names = children
    .filter(
      ({ type, name }) =>
        type === 'child<memory-region>' && (name === `${MSIX_TABLE}[0]` || / BAR \d/.test(name)),
    )
    .map(({ name }) => name);
  const found = names
    .map((child) => ({ child, name: regionName(child), ...placeOf(regionName(child)) }))
    .toSorted((a, b) => a.depth - b.depth || a.name.localeCompare(b.name, 'en', { numeric: true }));
  const table = found.find(({ name }) => name === MSIX_TABLE)?.child;
  // What is no mmap begins where its BAR begins.
  const placed = found.filter(({ child, depth }) => depth === MMAP || child === table);
  const places = await readPlaces(
    qemu,
    placed.map(({ child }) => `${root}/${child}`),
  );
  const placeOfChild = new Map(placed.map(({ child }, index) => [child, places[index]!]));
  const layers = new Map<number, BarLayer[]>();
  for (const { child, name, bar } of found) {
    if (bar === undefined) continue;
    const at = placeOfChild.get(child)?.at ?? offset(0n);
    layers.set(bar, [...(layers.get(bar) ?? []), { region: rename(name), offset: at }]);
  }
  const tablePlace = table === undefined ? undefined : placeOfChild.get(table);
  const bar = tablePlace && / BAR (\d)/.exec(tablePlace.container)?.[1];
  const emulatedAt = bar ? { bar: Number(bar), offset: tablePlace.at } : undefined;
  return { layers, emulatedAt };
}

/** Where regions lie, and in what. */
async function readPlaces(
  qemu: QemuProcess,
  paths: readonly string[],
): Promise<readonly { readonly at: Offset; readonly container: string }[]> {
  if (paths.length === 0) return [];
  // One command for all of them: it is as old as vfio-user (QEMU 10.1).
  const answers = (await qemu.qmp.execute('qom-list-get', { paths })) as {
    readonly properties: readonly { readonly name: string; readonly value?: unknown }[];
  }[];
  return answers.map(({ properties }) => {
    const get = (property: string): unknown => properties.find(({ name }) => name === property)?.value;
    return { at: offset(BigInt(get('addr') as number)), container: String(get('container')) };
  });
}

/** The region's own name: the object model writes `/`, `[` and `]` in hex, and numbers equal names. */
const regionName = (child: string): string =>
  child
    .replace(/\[\d+\]$/, '')
    .replace(/\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

const [BASE, BAR, MMAP, OTHER] = [0, 1, 2, 3];

/** Which BAR a region shows, and how deep it lies there; mmaps by their number. */
function placeOf(name: string): { readonly bar: number | undefined; readonly depth: number } {
  const match = / (base )?BAR (\d)( mmaps\[\d+\])?$/.exec(name);
  if (match === null) return { bar: undefined, depth: OTHER! };
  return { bar: Number(match[2]), depth: match[1] ? BASE! : match[3] ? MMAP! : BAR! };
}
