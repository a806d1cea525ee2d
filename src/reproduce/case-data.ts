import { fingerprintText } from '../invariants/index.ts';
import { barFlags, type BarAttributes } from '../pci-layout/index.ts';
import { deviceModel, servedStart } from '../qemu/index.ts';
import { describeOperation } from '../report/index.ts';
import { coldPlugged, type DeviceSpec, type Scenario } from '../scenario/index.ts';
import { announcedPages, type Reproducible } from './reproducible.ts';

/** The most mappings of a server built on libvfio-user, if the case names none. */
const MOST_MAPPINGS = 1_000_000;

/** The case as the program reads it: sizes and addresses are `bigint`s, which become hex strings in JSON. */
export function caseData(finding: Reproducible) {
  const { scenario, fingerprint, title, rule, evidence, notes } = finding;
  const { machine, host, operations } = scenario;
  return {
    title,
    rule,
    fingerprint: fingerprintText(fingerprint),
    notes,
    machine: {
      type: machine.type,
      pageSize: machine.hostPageSize,
      ...servedStart(scenario),
    },
    iommu: {
      pageSizes: announcedPages(scenario),
      maxMappings: host.iommu.maxMappings ?? MOST_MAPPINGS,
    },
    devices: scenario.devices.map((spec) => deviceData(scenario, spec)),
    coldPlugged: coldPlugged(scenario).map(({ id }) => id),
    operations: operations.map((operation) => ({
      ...operation,
      text: describeOperation(operation),
    })),
    evidence,
  };
}

function deviceData(scenario: Scenario, spec: DeviceSpec) {
  const { id, vendor, device, bars, rom, msix } = deviceModel(scenario, spec);
  return {
    id,
    name: spec.name,
    vendor,
    device,
    bars: bars.flatMap((bar, index) => (bar === undefined ? [] : [{ index, ...barData(bar) }])),
    ...(rom && { rom }),
    ...(msix && { msix }),
  };
}

type ServedBar = Exclude<ReturnType<typeof deviceModel>['bars'][number], undefined>;

function barData({ attributes, info }: ServedBar) {
  const sparse = info.capabilities.find((capability) => capability.id === 1);
  return {
    size: info.size,
    typeBits: barFlags(attributes),
    is64Bit: is64Bit(attributes),
    mmap: info.flags.mmap,
    areas: sparse?.areas.map(({ offset, size }) => [offset, size]) ?? null,
    msixMappable: info.capabilities.some(({ id }) => id === 3),
  };
}

const is64Bit = ({ type }: BarAttributes): boolean => type === 'mem64';
