import { END_OF_SPACE, LAST_ADDRESS, isPowerOfTwo, offset } from '../address/index.ts';
import { MSIX_MAX_VECTORS } from '../pci-layout/index.ts';
import { ScenarioDecoder } from './scenario-decoder.ts';
import { InvalidInput } from '../input/index.ts';
import {
  LARGEST_PAGE,
  BAR_TYPES,
  HOST_KERNELS,
  IOMMU_TYPES,
  MACHINE_TYPES,
  MSIX_EMULATIONS,
  OPERATIONS,
  OVERLAY_KINDS,
  RELOCATIONS,
  type ApertureSpec,
  type BarSpec,
  type DeviceOptionsSpec,
  type DeviceSpec,
  type HostSpec,
  type IommuSpec,
  type MachineSpec,
  type MsixSpec,
  type Operation,
  type Scenario,
} from './scenario.ts';
import { checkScenario } from './check-scenario.ts';

const KIB_4 = 0x1000n;
/** Well below the 2^31 pages that one memslot may have. */
const MAX_RAM = 1n << 42n;
const MAX_BAR = 1n << 63n;
const LAST_32_BIT = 0xffff_ffffn;

/** The revision of a scenario that names none. */
const DEFAULT_REVISION = 'qemu-11.1';

/**
 * Reads a scenario out of parsed JSON.
 *
 * Everything that hardware or a host may report is accepted, however odd: what comes of it is the
 * VMM's affair. What contradicts itself is not.
 *
 * @throws InvalidInput with every problem and its path.
 */
export function decodeScenario(value: unknown): Scenario {
  const decoder = new ScenarioDecoder();
  const scenario = readScenario(decoder, value, '');
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return scenario;
}

/** The same inside a larger document, at `path`: problems go to `decoder`. */
export function readScenario(decoder: ScenarioDecoder, value: unknown, path: string): Scenario {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const before = decoder.problems.length;
  const root = decoder.object(value, path, [
    'version',
    'machine',
    'revision',
    'host',
    'devices',
    'operations',
  ]);
  const version = decoder.integer(root['version'], at('version'), 1, 1) as 1;
  const machine = readMachine(decoder, root['machine'], at('machine'));
  const revision =
    root['revision'] === undefined ? DEFAULT_REVISION : decoder.string(root['revision'], at('revision'));
  const host = readHost(decoder, root['host'], at('host'));
  const devices = decoder.array(root['devices'], at('devices'), (element, where) =>
    readDevice(decoder, element, where),
  );
  reportDuplicates(
    decoder,
    before,
    devices.map(({ id }) => id),
    (index) => `${at('devices')}[${index}].id`,
  );
  const operations = decoder.array(root['operations'] ?? [], at('operations'), (element, where) =>
    readOperation(decoder, element, where),
  );
  const scenario: Scenario = { version, machine, revision, host, devices, operations };
  // Cross-checks make sense only of a scenario whose parts are sound.
  if (decoder.problems.length === before) checkScenario(scenario, decoder, path);
  return scenario;
}

function readMachine(decoder: ScenarioDecoder, value: unknown, path: string): MachineSpec {
  const machine = decoder.object(value, path, [
    'type',
    'msixEmulation',
    'ram',
    'hostPageSize',
    'guestPageSize',
  ]);
  const type = decoder.oneOf(machine['type'], `${path}.type`, MACHINE_TYPES);
  const hostPageSize = readPageSize(
    decoder,
    machine['hostPageSize'] ?? '0x1000',
    `${path}.hostPageSize`,
    LARGEST_PAGE,
  );
  const ram = decoder.number(machine['ram'], `${path}.ram`, LARGEST_PAGE, MAX_RAM);
  return {
    type,
    msixEmulation: decoder.oneOf(
      machine['msixEmulation'] ?? 'machine-default',
      `${path}.msixEmulation`,
      MSIX_EMULATIONS,
    ),
    ram,
    hostPageSize,
    guestPageSize: readPageSize(
      decoder,
      machine['guestPageSize'] ?? '0x1000',
      `${path}.guestPageSize`,
      LARGEST_PAGE,
    ),
  };
}

function readPageSize(decoder: ScenarioDecoder, value: unknown, path: string, most: bigint): bigint {
  const size = decoder.number(value, path, KIB_4, most);
  if (!isPowerOfTwo(size)) decoder.report(path, 'expected a power of two');
  return size;
}

function readHost(decoder: ScenarioDecoder, value: unknown, path: string): HostSpec {
  const host = decoder.object(value, path, ['kernel', 'iommu']);
  const kernel = decoder.oneOf(host['kernel'], `${path}.kernel`, HOST_KERNELS);
  const iommu = readIommu(decoder, host['iommu'], `${path}.iommu`);
  return { kernel, iommu };
}

function readIommu(decoder: ScenarioDecoder, value: unknown, path: string): IommuSpec {
  const iommu = decoder.object(value, path, ['type', 'pageSizes', 'apertures', 'maxMappings', 'maxWindows']);
  const type = decoder.oneOf(iommu['type'], `${path}.type`, IOMMU_TYPES);
  const pageSizes = decoder.array(iommu['pageSizes'] ?? ['0x1000'], `${path}.pageSizes`, (element, where) =>
    readPageSize(decoder, element, where, 1n << 63n),
  );
  if (pageSizes.length === 0) decoder.report(`${path}.pageSizes`, 'expected at least one page size');
  const apertures = optional(iommu['apertures'], (list) =>
    decoder.array(list, `${path}.apertures`, (element, where) => readAperture(decoder, element, where)),
  );
  for (const [index, aperture] of (apertures ?? []).entries()) {
    const previous = apertures![index - 1];
    if (previous !== undefined && aperture.start <= previous.end + 1n) {
      decoder.report(`${path}.apertures[${index}]`, 'expected rising ranges with a gap between any two');
    }
  }
  const maxMappings = optional(iommu['maxMappings'], (limit) =>
    decoder.integer(limit, `${path}.maxMappings`, 0, 1_000_000),
  );
  const maxWindows = optional(iommu['maxWindows'], (limit) =>
    decoder.integer(limit, `${path}.maxWindows`, 1, 16),
  );
  return {
    type,
    pageSizes,
    ...(apertures && { apertures }),
    ...(maxMappings !== undefined && { maxMappings }),
    ...(maxWindows !== undefined && { maxWindows }),
  };
}

function readAperture(decoder: ScenarioDecoder, value: unknown, path: string): ApertureSpec {
  const aperture = decoder.object(value, path, ['start', 'end']);
  const start = decoder.number(aperture['start'], `${path}.start`, 0n, LAST_ADDRESS);
  const end = decoder.number(aperture['end'], `${path}.end`, 0n, LAST_ADDRESS);
  if (end < start) decoder.report(`${path}.end`, 'expected an address that is not below start');
  return { start, end };
}

function readDevice(decoder: ScenarioDecoder, value: unknown, path: string): DeviceSpec {
  const keys = ['id', 'name', 'vendor', 'device', 'bars', 'msix', 'options'];
  const device = decoder.object(value, path, keys);
  const id = decoder.string(device['id'], `${path}.id`);
  const before = decoder.problems.length;
  const bars = decoder.array(device['bars'], `${path}.bars`, (element, where) =>
    readBar(decoder, element, where),
  );
  reportDuplicates(
    decoder,
    before,
    bars.map(({ index }) => index),
    (index) => `${path}.bars[${index}].index`,
  );
  const msix = optional(device['msix'] ?? undefined, (spec) => readMsix(decoder, spec, `${path}.msix`));
  return {
    id,
    name: device['name'] === undefined ? id : decoder.string(device['name'], `${path}.name`),
    vendor: Number(decoder.number(device['vendor'] ?? 0, `${path}.vendor`, 0n, 0xffffn)),
    device: Number(decoder.number(device['device'] ?? 0, `${path}.device`, 0n, 0xffffn)),
    bars,
    ...(msix && { msix }),
    options: readOptions(decoder, device['options'] ?? {}, `${path}.options`),
  };
}

function readBar(decoder: ScenarioDecoder, value: unknown, path: string): BarSpec {
  const bar = decoder.object(value, path, ['index', 'size', 'type', 'mmap', 'sparse']);
  const sparse = optional(bar['sparse'], (areas) =>
    decoder.array(areas, `${path}.sparse`, (element, where) => {
      const area = decoder.object(element, where, ['offset', 'size']);
      const start = decoder.number(area['offset'], `${where}.offset`, 0n, MAX_BAR);
      return { offset: offset(start), size: decoder.number(area['size'], `${where}.size`, 0n, MAX_BAR) };
    }),
  );
  return {
    index: decoder.integer(bar['index'], `${path}.index`, 0, 5),
    size: decoder.number(bar['size'], `${path}.size`, 1n, MAX_BAR),
    type: decoder.oneOf(bar['type'], `${path}.type`, BAR_TYPES),
    mmap: bar['mmap'] === undefined ? bar['type'] !== 'io' : decoder.boolean(bar['mmap'], `${path}.mmap`),
    ...(sparse && { sparse }),
  };
}

function readMsix(decoder: ScenarioDecoder, value: unknown, path: string): MsixSpec {
  const msix = decoder.object(value, path, ['vectors', 'tableBar', 'tableOffset', 'pbaBar', 'pbaOffset']);
  const readOffset = (key: string) => {
    const at = decoder.number(msix[key], `${path}.${key}`, 0n, LAST_32_BIT);
    // The three low bits of the register are the BIR: no hardware can say anything else.
    if (at % 8n !== 0n) decoder.report(`${path}.${key}`, 'expected a multiple of 8');
    return offset(at);
  };
  return {
    vectors: decoder.integer(msix['vectors'], `${path}.vectors`, 1, MSIX_MAX_VECTORS),
    tableBar: decoder.integer(msix['tableBar'], `${path}.tableBar`, 0, 7),
    tableOffset: readOffset('tableOffset'),
    pbaBar: decoder.integer(msix['pbaBar'], `${path}.pbaBar`, 0, 7),
    pbaOffset: readOffset('pbaOffset'),
  };
}

function readOptions(decoder: ScenarioDecoder, value: unknown, path: string): DeviceOptionsSpec {
  const options = decoder.object(value, path, ['x-msix-relocation', 'x-no-mmap', 'x-no-msix-emulation']);
  const relocation = optional(options['x-msix-relocation'], (option) =>
    decoder.oneOf(option, `${path}.x-msix-relocation`, RELOCATIONS),
  );
  const noMmap = optional(options['x-no-mmap'], (option) => decoder.boolean(option, `${path}.x-no-mmap`));
  const noMsixEmulation = optional(options['x-no-msix-emulation'], (option) =>
    decoder.boolean(option, `${path}.x-no-msix-emulation`),
  );
  return {
    ...(relocation && { 'x-msix-relocation': relocation }),
    ...(noMmap !== undefined && { 'x-no-mmap': noMmap }),
    ...(noMsixEmulation !== undefined && { 'x-no-msix-emulation': noMsixEmulation }),
  };
}

/** The keys of each operation beside `op`. */
const OPERATION_KEYS: Record<Operation['op'], readonly string[]> = {
  'set-bar': ['device', 'bar', 'address'],
  'size-bar': ['device', 'bar'],
  'enable-memory': ['device'],
  'disable-memory': ['device'],
  'enable-msix': ['device'],
  'disable-msix': ['device'],
  'mask-vector': ['device', 'vector', 'masked'],
  hotplug: ['device'],
  unplug: ['device'],
  reset: [],
  'add-region': ['name', 'kind', 'address', 'size', 'priority'],
  'remove-region': ['name'],
  begin: [],
  commit: [],
};

function readOperation(decoder: ScenarioDecoder, value: unknown, path: string): Operation {
  const problems = decoder.problems.length;
  const tag = decoder.object(value, path, Object.keys(value ?? {}));
  const op = decoder.oneOf(tag['op'], `${path}.op`, OPERATIONS);
  if (decoder.problems.length > problems) return { op: 'reset' };
  const fields = decoder.object(value, path, ['op', ...OPERATION_KEYS[op]]);
  const device = () => decoder.string(fields['device'], `${path}.device`);
  const bar = () => decoder.integer(fields['bar'], `${path}.bar`, 0, 5);
  const name = () => decoder.string(fields['name'], `${path}.name`);
  const address = () => decoder.number(fields['address'], `${path}.address`, 0n, LAST_ADDRESS);
  switch (op) {
    case 'set-bar':
      return { op, device: device(), bar: bar(), address: address() };
    case 'size-bar':
      return { op, device: device(), bar: bar() };
    case 'mask-vector':
      return {
        op,
        device: device(),
        vector: decoder.integer(fields['vector'], `${path}.vector`, 0, 2047),
        masked: decoder.boolean(fields['masked'] ?? true, `${path}.masked`),
      };
    case 'add-region':
      return {
        op,
        name: name(),
        kind: decoder.oneOf(fields['kind'], `${path}.kind`, OVERLAY_KINDS),
        address: address(),
        size: decoder.number(fields['size'], `${path}.size`, 1n, END_OF_SPACE),
        priority: decoder.integer(fields['priority'] ?? 0, `${path}.priority`, -(2 ** 31), 2 ** 31 - 1),
      };
    case 'remove-region':
      return { op, name: name() };
    case 'reset':
    case 'begin':
    case 'commit':
      return { op };
    default:
      return { op, device: device() };
  }
}

/** Reads a value that may be left out. */
const optional = <T>(value: unknown, read: (value: unknown) => T): T | undefined =>
  value === undefined ? undefined : read(value);

/**
 * Reports values that are used twice. What stands in for a value that could not be read is nobody's duplicate.
 *
 * @param before how many problems there were before the values were read.
 */
function reportDuplicates(
  decoder: ScenarioDecoder,
  before: number,
  values: readonly (string | number)[],
  pathOf: (index: number) => string,
): void {
  const unread = new Set(decoder.problems.slice(before).map(({ path }) => path));
  const seen = new Set<string | number>();
  for (const [index, value] of values.entries()) {
    const path = pathOf(index);
    if (unread.has(path)) continue;
    if (seen.has(value)) decoder.report(path, `${JSON.stringify(value)} is used twice`);
    seen.add(value);
  }
}

/**
 * Reads one device out of parsed JSON.
 *
 * @throws InvalidInput with every problem and its path.
 */
export function decodeDevice(value: unknown): DeviceSpec {
  const decoder = new ScenarioDecoder();
  const device = readDevice(decoder, value, 'device');
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return device;
}
