import { hex } from '../../address/index.ts';
import { BAR_TYPES, IOMMU_TYPES, MACHINE_TYPES, MSIX_EMULATIONS, RELOCATIONS } from '../../scenario/index.ts';
import { REVISIONS } from '../../vfio/index.ts';
import { REMOVED, type Json } from './json-fields.ts';

/** A field and the values to try in its place. */
export interface Alternatives {
  readonly path: string;
  readonly value: unknown;
  readonly others: readonly unknown[];
}

const PAGES = ['0x1000', '0x4000', '0x10000'];
const KERNELS = ['sparse-msix', 'msix-mappable', '4.15', '5.10', '6.12', '6.19', '7.2'];
const WIDTHS = [39, 40, 46, 48, 52];
const MOST_OPERATIONS = 40;

/** The values that are worth a try in each field of a scenario. */
export function alternativesOf(json: Json): readonly Alternatives[] {
  return [
    ...hostFields(json),
    ...(json['devices'] as Json[]).flatMap((device, index) => deviceFields(device, `devices[${index}]`)),
    ...operationFields(json),
  ].map(({ path, value, others }) => ({
    path,
    value,
    others: others.filter((other) => JSON.stringify(other) !== JSON.stringify(value) || other === REMOVED),
  }));
}

function hostFields(json: Json): readonly Alternatives[] {
  const machine = json['machine'] as Json;
  const host = json['host'] as Json;
  const iommu = host['iommu'] as Json;
  const releases = REVISIONS.filter(({ id }) => /^qemu-[\d.]+$/.test(id)).map(({ id }) => id);
  return [
    { path: 'revision', value: json['revision'], others: releases },
    { path: 'machine.type', value: machine['type'], others: MACHINE_TYPES },
    { path: 'machine.hostPageSize', value: machine['hostPageSize'], others: PAGES },
    { path: 'machine.guestPageSize', value: machine['guestPageSize'], others: PAGES },
    {
      path: 'machine.msixEmulation',
      value: machine['msixEmulation'] ?? 'machine-default',
      others: MSIX_EMULATIONS,
    },
    { path: 'machine.ram', value: machine['ram'], others: ['0x10000000', '0x40000000', '0x200000000'] },
    ...('cpu' in machine
      ? [{ path: 'machine.cpu.physBits', value: (machine['cpu'] as Json)['physBits'], others: WIDTHS }]
      : []),
    { path: 'host.kernel', value: host['kernel'], others: KERNELS },
    { path: 'host.iommu.type', value: iommu['type'], others: IOMMU_TYPES },
    { path: 'host.iommu.pageSizes', value: iommu['pageSizes'], others: PAGES.map((page) => [page]) },
    ...optionalFields(iommu, 'host.iommu', ['apertures', 'maxMappings', 'maxWindows']),
    ...optionalFields(host, 'host', ['memlock', 'unpinnableRam', 'faults']),
  ];
}

const optionalFields = (holder: Json, path: string, keys: readonly string[]): readonly Alternatives[] =>
  keys
    .filter((key) => key in holder)
    .map((key) => ({ path: `${path}.${key}`, value: holder[key], others: [REMOVED] }));

function deviceFields(device: Json, path: string): readonly Alternatives[] {
  const options = (device['options'] ?? {}) as Json;
  const msix = device['msix'] as Json | undefined;
  return [
    { path: `${path}.options.x-msix-relocation`, value: options['x-msix-relocation'], others: RELOCATIONS },
    { path: `${path}.options.x-no-mmap`, value: options['x-no-mmap'], others: [true, false] },
    ...(device['bars'] as Json[]).flatMap((bar, index) => barFields(bar, `${path}.bars[${index}]`)),
    ...(msix === undefined
      ? []
      : [
          { path: `${path}.msix`, value: msix, others: [REMOVED] },
          { path: `${path}.msix.vectors`, value: msix['vectors'], others: [1, 64, 256, 2048] },
          {
            path: `${path}.msix.tableOffset`,
            value: msix['tableOffset'],
            others: offsetsAround(msix['tableOffset']),
          },
          {
            path: `${path}.msix.pbaOffset`,
            value: msix['pbaOffset'],
            others: offsetsAround(msix['pbaOffset']),
          },
        ]),
  ];
}

function barFields(bar: Json, path: string): readonly Alternatives[] {
  const size = BigInt(bar['size'] as string);
  return [
    {
      path: `${path}.size`,
      value: bar['size'],
      others: [size / 2n, size * 2n, 0x1000n, 0x1_0000n].filter((other) => other > 0n).map(hex),
    },
    { path: `${path}.type`, value: bar['type'], others: BAR_TYPES },
    { path: `${path}.mmap`, value: bar['mmap'] ?? true, others: [true, false] },
    ...optionalFields(bar, path, ['sparse', 'mmapError', 'p2p']),
  ];
}

const offsetsAround = (value: unknown): readonly string[] => {
  const at = BigInt(value as string);
  return [0n, at + 0x8n, at + 0x1000n, at + 0x1_0000n].map(hex);
};

function operationFields(json: Json): readonly Alternatives[] {
  const operations = (json['operations'] ?? []) as Json[];
  return operations.slice(0, MOST_OPERATIONS).flatMap((operation, index) => [
    { path: `operations[${index}]`, value: operation, others: [REMOVED] },
    ...('address' in operation
      ? [
          {
            path: `operations[${index}].address`,
            value: operation['address'],
            others: addressesAround(operation['address']),
          },
        ]
      : []),
  ]);
}

const addressesAround = (value: unknown): readonly string[] => {
  const at = BigInt(value as string);
  const nearby = [0x1000n, 0x1_0000n, 0x100_0000n].map((step) => at + step);
  return [...nearby, 0xe000_0000n, 0x80_0000_0000n].filter((address) => address < 1n << 64n).map(hex);
};
