import { ROM_SLOT, msixTableRange } from '../src/pci-layout/index.ts';
import {
  allowsMsixMmap,
  isRealistic,
  type BarSpec,
  type DeviceSpec,
  type Scenario,
} from '../src/scenario/index.ts';

type Test = (scenario: Scenario) => boolean;

const anyDevice =
  (test: (device: DeviceSpec, scenario: Scenario) => boolean): Test =>
  (scenario) =>
    scenario.devices.some((device) => test(device, scenario));

const barOf = (device: DeviceSpec, index: number): BarSpec | undefined =>
  device.bars.find((bar) => bar.index === index);

const tableEnd = ({ msix }: DeviceSpec): bigint => (msix ? msixTableRange(msix).end : 0n);
const page = (at: bigint, size: bigint): bigint => at / size;
const smallest = (sizes: readonly bigint[]): bigint =>
  sizes.reduce((least, size) => (size < least ? size : least));

/** Kinds of scenario that a search must draw; classes.test.ts holds the generators to a minimum share of each. */
const CLASSES = {
  'table-at-end-of-bar': anyDevice((device) => {
    const bar = device.msix && barOf(device, device.msix.tableBar);
    return bar !== undefined && bar.size - tableEnd(device) < 16n && tableEnd(device) <= bar.size;
  }),
  'table-across-host-page': anyDevice(
    (device, { machine }) =>
      device.msix !== undefined &&
      page(device.msix.tableOffset, machine.hostPageSize) !==
        page(tableEnd(device) - 1n, machine.hostPageSize),
  ),
  'table-off-4k': anyDevice(
    (device) => device.msix !== undefined && device.msix.tableOffset % 0x1000n !== 0n,
  ),
  'table-in-first-page': anyDevice((device) => device.msix?.tableOffset === 0n),
  'pba-in-table-page': anyDevice(
    ({ msix }, { machine }) =>
      msix !== undefined &&
      msix.pbaBar === msix.tableBar &&
      page(msix.pbaOffset, machine.hostPageSize) === page(msix.tableOffset, machine.hostPageSize),
  ),
  'pba-in-other-bar': anyDevice(({ msix }) => msix !== undefined && msix.pbaBar !== msix.tableBar),
  'pba-before-table': anyDevice(
    ({ msix }) => msix !== undefined && msix.pbaBar === msix.tableBar && msix.pbaOffset < msix.tableOffset,
  ),
  'pba-beyond-bar': anyDevice((device) => {
    const bar = device.msix && barOf(device, device.msix.pbaBar);
    return bar !== undefined && device.msix!.pbaOffset >= bar.size;
  }),
  'vectors-at-edge': anyDevice(({ msix }) => [64, 65, 2047, 2048].includes(msix?.vectors ?? 0)),
  'sub-page-bar': anyDevice(({ bars }, { machine }) =>
    bars.some(({ type, size }) => type !== 'io' && size < machine.hostPageSize),
  ),
  'sparse-areas': anyDevice(({ bars }) => bars.some(({ sparse }) => sparse !== undefined)),
  'real-device': anyDevice(({ vendor }) => vendor !== 0),
  'several-devices': ({ devices }) => devices.length > 1,
  'near-top-of-window': ({ operations }) =>
    operations.some(
      (operation) =>
        operation.op === 'set-bar' &&
        (operation.address >= 1n << 63n || (operation.address & 0xffff_ffffn) >= 0xfeb0_0000n),
    ),
  'guest-page-below-host-page': ({ machine }) => machine.guestPageSize < machine.hostPageSize,
  'iommu-page-below-host-page': ({ machine, host }) => smallest(host.iommu.pageSizes) < machine.hostPageSize,
  'iommu-page-above-host-page': ({ machine, host }) => smallest(host.iommu.pageSizes) > machine.hostPageSize,
  'host-64k': ({ machine }) => machine.hostPageSize === 0x1_0000n,
  'reserved-bir': anyDevice(({ msix }) => msix !== undefined && Math.max(msix.tableBar, msix.pbaBar) > 5),
  'opts-out': ({ machine }) =>
    machine.msixEmulation === 'off' || (machine.type === 'pseries' && machine.msixEmulation !== 'on'),
  'bar-moved-while-enabled': ({ operations }) =>
    operations.some(
      (operation, index) =>
        operation.op === 'set-bar' &&
        operations
          .slice(0, index)
          .some((other) => other.op === 'enable-memory' && other.device === operation.device),
    ),
  'bar-sized': ({ operations }) => operations.some(({ op }) => op === 'size-bar'),
  'accessed-beyond-4-gib': ({ operations }) =>
    operations.some((operation) => operation.op === 'access-bar' && operation.offset >= 1n << 32n),
  'ports-enabled': ({ operations }) => operations.some(({ op }) => op === 'enable-io'),
  'moved-in-page': ({ machine, operations }) =>
    operations.some(
      (operation, index) =>
        operation.op === 'set-bar' &&
        operations
          .slice(0, index)
          .some(
            (other) =>
              other.op === 'set-bar' &&
              other.device === operation.device &&
              other.bar === operation.bar &&
              other.address !== operation.address &&
              page(other.address, machine.hostPageSize) === page(operation.address, machine.hostPageSize),
          ),
    ),
  'permission-changed': ({ operations }) =>
    operations.some(({ op }) => op === 'make-readonly' || op === 'make-writable'),
  'alias-shifted': ({ operations }) => operations.some(({ op }) => op === 'shift-alias'),
  accessed: ({ operations }) => operations.some(({ op }) => op === 'access-bar'),
  hotplugged: ({ operations }) => operations.some(({ op }) => op === 'hotplug'),
  overlaid: ({ operations }) => operations.some(({ op }) => op === 'add-region'),
  relocated: anyDevice(({ options }) => (options['x-msix-relocation'] ?? 'off') !== 'off'),
  apertures: ({ host }) => host.iommu.apertures !== undefined,
  'mapping-limit': ({ host }) => host.iommu.maxMappings !== undefined,
  'sparse-msix-kernel': ({ host }) => !allowsMsixMmap(host.kernel),
  iommufd: ({ host }) => host.iommu.type === 'iommufd',
  'vfio-user': ({ host }) => host.iommu.type === 'vfio-user',
  'expansion-rom': ({ operations }) => operations.some(({ op }) => op === 'set-rom'),
  'rom-read': ({ operations }) =>
    operations.some((operation) => operation.op === 'access-bar' && operation.bar === ROM_SLOT),
  'rom-file': anyDevice(({ options }) => options.romfile !== undefined),
  realistic: isRealistic,
  'dma-window': ({ operations }) => operations.some(({ op }) => op === 'create-dma-window'),
  'virtio-mem': ({ operations }) => operations.some(({ op }) => op === 'plug-blocks'),
  'dirty-log': ({ operations }) => operations.some(({ op }) => op === 'start-dirty-log'),
  'read-only-bar': anyDevice(({ bars }) => bars.some(({ writable }) => writable === false)),
  'host-fault': ({ host }) => host.faults !== undefined,
  'spapr-tce': ({ host }) => host.iommu.type === 'spapr-tce-v2',
} as const satisfies Record<string, Test>;

export type ScenarioClass = keyof typeof CLASSES;

/** The names of all classes. */
export const SCENARIO_CLASSES = Object.keys(CLASSES) as readonly ScenarioClass[];

/** The classes that a scenario belongs to. */
export const classify = (scenario: Scenario): readonly ScenarioClass[] =>
  SCENARIO_CLASSES.filter((name) => CLASSES[name](scenario));
