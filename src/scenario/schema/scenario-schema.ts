import { END_OF_SPACE, LAST_ADDRESS } from '../../address/index.ts';
import { LARGEST_ROM, ROM_SLOT, SMALLEST_ROM } from '../../pci-layout/index.ts';
import { HOST_KERNELS } from '../host-kernel.ts';
import { LAST_32_BIT, MAX_BAR } from '../read-device.ts';
import { LARGEST_IOMMU_PAGE } from '../read-host.ts';
import { MAX_HIGHMEM_MMIO, MAX_HOLE, MAX_RAM, MIN_HIGHMEM_MMIO } from '../read-machine.ts';
import { LARGEST_BLOCK, SMALLEST_BLOCK } from '../read-operation.ts';
import { SMALLEST_PAGE } from '../scenario-decoder.ts';
import {
  ACCESS_WIDTHS,
  BAR_TYPES,
  CPU_VENDORS,
  DMA_WINDOW_PAGES,
  FAULT_ERRORS,
  FAULT_REQUESTS,
  IOMMU_TYPES,
  LARGEST_DMA_WINDOW,
  LARGEST_PAGE,
  MACHINE_TYPES,
  MMAP_ERRORS,
  MOST_COUNTED,
  MSIX_EMULATIONS,
  OVERLAY_KINDS,
  POWER_STATES,
  RELOCATIONS,
  type Operation,
} from '../scenario.ts';
import {
  BOOLEAN,
  MSIX_OFFSET,
  NAME,
  TEXT,
  array,
  integer,
  number,
  object,
  oneOf,
  orNull,
  powerOfTwo,
  type Schema,
} from './fields.ts';

/** Versions of Linux from 4.8 on. */
const KERNEL_VERSION =
  '^(?:4\\.(?:0{0,2}[89]|0?[1-9][0-9]|[1-9][0-9]{2})|(?:[5-9]|[1-9][0-9])\\.[0-9]{1,3})$';

const PAGE = powerOfTwo(SMALLEST_PAGE, LARGEST_PAGE);
const ADDRESS = number(0n, LAST_ADDRESS);
const BAR = integer(0, 5);
/** A BAR, or the expansion ROM. */
const BAR_OR_ROM = integer(0, ROM_SLOT);

const APERTURE = object({ start: ADDRESS, end: { ...ADDRESS, description: 'The last address.' } });

const MACHINE = object({
  type: oneOf(MACHINE_TYPES),
  'cpu?': object({ vendor: oneOf(CPU_VENDORS), physBits: integer(32, 64) }),
  'pciHole64Size?': number(0n, MAX_HOLE, { description: 'Of pc and q35, in bytes.' }),
  'highmemMmioSize?': powerOfTwo(MIN_HIGHMEM_MMIO, MAX_HIGHMEM_MMIO, { description: 'Of virt, in bytes.' }),
  'msixEmulation?': orNull(oneOf(MSIX_EMULATIONS)),
  ram: number(LARGEST_PAGE, MAX_RAM, { description: 'Guest RAM in bytes: whole host pages.' }),
  'hostPageSize?': orNull(PAGE),
  'guestPageSize?': orNull(PAGE),
});

const HOST = object({
  kernel: {
    description: 'A version of Linux from 4.8 on, such as 6.12, or a name of kernels without a version.',
    anyOf: [oneOf(HOST_KERNELS), { type: 'string', pattern: KERNEL_VERSION }],
  },
  iommu: object({
    type: oneOf(IOMMU_TYPES),
    'pageSizes?': orNull(array(powerOfTwo(SMALLEST_PAGE, LARGEST_IOMMU_PAGE), { minItems: 1 })),
    'apertures?': array(APERTURE, { description: 'In rising order; all addresses when left out.' }),
    'maxMappings?': integer(0, 1_000_000),
    'maxWindows?': integer(1, 16),
  }),
  'memlock?': number(0n, LAST_ADDRESS, { description: 'RLIMIT_MEMLOCK in bytes.' }),
  'unpinnableRam?': array(APERTURE),
  'faults?': array(
    object({
      request: oneOf(FAULT_REQUESTS),
      answer: oneOf([...FAULT_ERRORS, 'never']),
      'at?': ADDRESS,
      'device?': NAME,
      'nth?': integer(1, MOST_COUNTED),
    }),
    { description: 'Requests that the kernel refuses, or never answers.' },
  ),
});

const DEVICE = object({
  id: NAME,
  'name?': NAME,
  'vendor?': orNull(number(0n, 0xffffn)),
  'device?': orNull(number(0n, 0xffffn)),
  'vga?': BOOLEAN,
  'configSize?': powerOfTwoOf(0x100n, 0x1000n),
  bars: array(
    object({
      index: BAR,
      size: number(1n, MAX_BAR, { description: 'In bytes.' }),
      type: oneOf(BAR_TYPES),
      'mmap?': BOOLEAN,
      'mmapError?': oneOf(MMAP_ERRORS),
      'p2p?': BOOLEAN,
      'writable?': BOOLEAN,
      'sparse?': array(object({ offset: number(0n, MAX_BAR), size: number(0n, MAX_BAR) })),
    }),
  ),
  'rom?': object({
    size: powerOfTwo(SMALLEST_ROM, LARGEST_ROM),
    'contents?': number(0n, LARGEST_ROM, { description: 'Bytes that the host lets be read.' }),
  }),
  'msix?': orNull(
    object({
      vectors: integer(1, 2048),
      tableBar: integer(0, 7),
      tableOffset: MSIX_OFFSET,
      pbaBar: integer(0, 7),
      pbaOffset: MSIX_OFFSET,
    }),
  ),
  'options?': orNull(
    object({
      'x-msix-relocation?': oneOf(RELOCATIONS),
      'x-no-mmap?': BOOLEAN,
      'x-no-msix-emulation?': BOOLEAN,
      'rombar?': BOOLEAN,
      'romfile?': number(1n, LARGEST_ROM, { description: 'Bytes of a file in place of the ROM.' }),
    }),
  ),
});

/** These powers of two, and none between them. */
function powerOfTwoOf(...powers: readonly bigint[]): Schema {
  return { anyOf: powers.map((power) => powerOfTwo(power, power)) };
}

const OF_DEVICE = { device: NAME };
const OF_REGION = { name: NAME };
/** Blocks of virtio-mem. */
const BLOCKS = {
  ...OF_REGION,
  offset: number(0n, LAST_ADDRESS >> 1n),
  size: number(1n, END_OF_SPACE >> 1n),
};

/** The fields of each operation, apart from `op`. */
const OPERATIONS: Readonly<Record<Operation['op'], Readonly<Record<string, Schema>>>> = {
  'set-bar': { ...OF_DEVICE, bar: BAR, address: ADDRESS },
  'set-rom': { ...OF_DEVICE, address: number(0n, LAST_32_BIT), 'enabled?': orNull(BOOLEAN) },
  'size-bar': { ...OF_DEVICE, bar: BAR_OR_ROM, 'probe?': number(1n, LAST_32_BIT) },
  'enable-memory': OF_DEVICE,
  'disable-memory': OF_DEVICE,
  'enable-io': OF_DEVICE,
  'disable-io': OF_DEVICE,
  'enable-msix': OF_DEVICE,
  'disable-msix': OF_DEVICE,
  'mask-vector': { ...OF_DEVICE, vector: integer(0, 2047), 'masked?': orNull(BOOLEAN) },
  'access-bar': {
    ...OF_DEVICE,
    bar: BAR_OR_ROM,
    offset: number(0n, LAST_ADDRESS >> 1n),
    width: oneOf(ACCESS_WIDTHS),
    'write?': orNull(BOOLEAN),
  },
  'set-power-state': { ...OF_DEVICE, state: oneOf(POWER_STATES) },
  'resize-bar': { ...OF_DEVICE, bar: BAR, size: powerOfTwo(1n << 20n, 1n << 57n) },
  'create-dma-window': {
    pageSize: powerOfTwoOf(...DMA_WINDOW_PAGES),
    size: powerOfTwo(SMALLEST_PAGE, LARGEST_DMA_WINDOW),
  },
  hotplug: OF_DEVICE,
  unplug: OF_DEVICE,
  reset: {},
  'add-region': {
    ...OF_REGION,
    kind: oneOf(OVERLAY_KINDS),
    address: ADDRESS,
    size: number(1n, END_OF_SPACE),
    'priority?': orNull(integer(-(2 ** 31), 2 ** 31 - 1)),
    'blockSize?': powerOfTwo(SMALLEST_BLOCK, LARGEST_BLOCK),
  },
  'remove-region': OF_REGION,
  'show-registers': OF_REGION,
  'show-contents': OF_REGION,
  'make-readonly': OF_REGION,
  'make-writable': OF_REGION,
  'shift-alias': { ...OF_REGION, by: number(1n, LAST_ADDRESS >> 1n) },
  'plug-blocks': BLOCKS,
  'unplug-blocks': BLOCKS,
  'start-dirty-log': {},
  'stop-dirty-log': {},
  begin: {},
  commit: {},
};

/**
 * The JSON Schema of a scenario. It accepts every scenario that `decodeScenario` accepts, and refuses each value that is
 * wrong by itself. Fields that contradict each other are beyond it.
 */
export const SCENARIO_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'barproof:scenario',
  title: 'barproof scenario',
  ...object({
    version: { const: 1 },
    'revision?': { ...NAME, description: 'The id of a revision, as `barproof list revisions` shows it.' },
    machine: MACHINE,
    host: HOST,
    devices: array(DEVICE),
    'operations?': orNull(
      array({
        oneOf: Object.entries(OPERATIONS).map(([op, fields]) => object({ op: { const: op }, ...fields })),
      }),
    ),
    '$schema?': { ...TEXT, description: 'Where an editor finds this schema.' },
  }),
};
