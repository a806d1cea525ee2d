import { offset, type Offset } from '../../address/index.ts';
import { ROM_SLOT } from '../../pci-layout/index.ts';
import type { BarLayer } from '../../vfio/index.ts';
import { QmpRefusal } from '../process/qemu-error.ts';
import type { QemuProcess } from '../process/qemu-process.ts';

/** The regions of a device that show its BARs and the emulated MSI-X table. */
export interface BarRegions {
  /** The regions that show the bytes of each BAR, outermost first. */
  readonly layers: ReadonlyMap<number, readonly BarLayer[]>;
  /** Where QEMU has placed the emulated MSI-X table; absent where QEMU emulates none. */
  readonly emulatedAt: { readonly bar: number; readonly offset: Offset } | undefined;
}

/** The region of an emulated MSI-X table (hw/pci/msix.c). */
const MSIX_TABLE = 'msix-table';

/** The expansion ROM: `vfio[NAME].rom` (vfio_pci_size_rom), or a file of the user's (pci_add_option_rom). */
const ROM = /^(?:vfio\[.*\]|vfio(?:-user|-cpr)?-pci)\.rom$/;

/** The type of a child that is a region; QEMU 5.2 and older write `qemu:` in front. */
const REGION_TYPE = /^child<(?:qemu:)?memory-region>$/;

/** How deep a region lies in its BAR: QEMU's wrapper, the trapped region, an mmap area, any other. */
const DEPTH = { base: 0, bar: 1, mmap: 2, other: 3 } as const;

/**
 * Reads the regions of a device from QEMU's object model. A region is a child of the device: `NAME BAR 0 mmaps[1]`
 * and so on (hw/vfio/region.c).
 *
 * @param rename puts the scenario's names in place of QEMU's.
 */
export async function readBarRegions(
  qemu: QemuProcess,
  qemuId: string,
  rename: (text: string) => string,
): Promise<BarRegions> {
  const root = `/machine/peripheral/${qemuId}`;
  const found = await qemu.qmp.query('qom-list', { path: root }, findRegions);
  const table = found.find(({ name }) => name === MSIX_TABLE)?.child;
  // Every other region begins where its BAR begins.
  const placed = found.filter(({ child, depth }) => depth === DEPTH.mmap || child === table);
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
  return { layers, emulatedAt: bar ? { bar: Number(bar), offset: tablePlace.at } : undefined };
}

/** The regions that show a device's BARs and its emulated MSI-X table, outermost first. */
const findRegions = (children: readonly { readonly name: string; readonly type: string }[]) =>
  children
    .filter(
      ({ type, name }) =>
        REGION_TYPE.test(type) &&
        (name === `${MSIX_TABLE}[0]` || / BAR \d/.test(name) || ROM.test(regionName(name))),
    )
    .map(({ name: child }) => ({ child, name: regionName(child), ...placeInBar(regionName(child)) }))
    .toSorted((a, b) => a.depth - b.depth || a.name.localeCompare(b.name, 'en', { numeric: true }));

/** The offsets of regions, and the regions that contain them. */
async function readPlaces(
  qemu: QemuProcess,
  paths: readonly string[],
): Promise<readonly { readonly at: Offset; readonly container: string }[]> {
  if (paths.length === 0) return [];
  // qom-list-get reads all of them with one command.
  const read = (objects: readonly QomObject[]) =>
    paths.map((_, index) => {
      const { properties } = objects[index]!;
      const get = (property: string): unknown => properties.find(({ name }) => name === property)?.value;
      return { at: offset(BigInt(get('addr') as number)), container: String(get('container')) };
    });
  try {
    return await qemu.qmp.query('qom-list-get', { paths }, read);
  } catch (error) {
    // The command is as old as vfio-user (QEMU 10.1).
    if (!(error instanceof QmpRefusal) || error.errorClass !== 'CommandNotFound') throw error;
    return Promise.all(paths.map((path) => readPlace(qemu, path)));
  }
}

/** The offset of a region, and the region that contains it, on a QEMU without `qom-list-get`. */
async function readPlace(
  qemu: QemuProcess,
  path: string,
): Promise<{ readonly at: Offset; readonly container: string }> {
  const get = (property: string) => qemu.qmp.execute('qom-get', { path, property });
  const [address, container] = await Promise.all([get('addr'), get('container')]);
  return { at: offset(BigInt(address as number)), container: String(container) };
}

/** An element of the answer to `qom-list-get`. */
interface QomObject {
  readonly properties: readonly { readonly name: string; readonly value?: unknown }[];
}

/** The region's name. The object model writes `/`, `[` and `]` in hex, and appends `[N]` (memory_region_do_init). */
const regionName = (child: string): string =>
  child
    .replace(/\[\d+\]$/, '')
    .replace(/\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** Which BAR a region shows, and how deep the region lies in that BAR. */
function placeInBar(name: string): { readonly bar: number | undefined; readonly depth: number } {
  if (ROM.test(name)) return { bar: ROM_SLOT, depth: DEPTH.bar };
  const match = / (base )?BAR (\d)( mmaps\[\d+\])?$/.exec(name);
  if (match === null) return { bar: undefined, depth: DEPTH.other };
  return { bar: Number(match[2]), depth: match[1] ? DEPTH.base : match[3] ? DEPTH.mmap : DEPTH.bar };
}
