import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../../generators/index.ts';
import { decodeDevice, decodeScenario } from './decode-scenario.ts';
import { encodeScenario, toJsonLine } from './format.ts';
import { parseJson, InvalidInput, type Problem } from '../input/index.ts';
import { OPERATIONS } from './scenario.ts';

type Json = Record<string, any>;

/** A scenario with every optional field. */
const full = (): Json => ({
  version: 1,
  machine: {
    type: 'pseries',
    msixEmulation: 'off',
    ram: '0x80000000',
    hostPageSize: '0x10000',
    guestPageSize: '0x4000',
  },
  revision: 'seed-v2',
  host: {
    kernel: 'msix-mappable',
    iommu: {
      type: 'type1',
      pageSizes: ['0x1000', '0x10000'],
      apertures: [
        { start: '0x0', end: '0xfedfffff' },
        { start: '0xfef00000', end: '0xffffffffffffffff' },
      ],
      maxMappings: 12,
      maxWindows: 2,
    },
  },
  devices: [
    {
      id: 'dev0',
      name: '0001:03:00.0',
      vendor: '0x1000',
      device: '0x97',
      bars: [
        { index: 1, size: '0x10000', type: 'mem64', mmap: true, sparse: [{ offset: '0x0', size: '0x1000' }] },
        { index: 3, size: '0x40000', type: 'mem64p', mmap: false },
        { index: 5, size: '0x100', type: 'io', mmap: false },
      ],
      msix: { vectors: 96, tableBar: 1, tableOffset: '0xe000', pbaBar: 1, pbaOffset: '0xf000' },
      options: { 'x-msix-relocation': 'bar2', 'x-no-mmap': false, 'x-no-msix-emulation': true },
    },
    { id: 'dev1', bars: [] },
  ],
  operations: [
    { op: 'set-bar', device: 'dev0', bar: 1, address: '0x210000000000' },
    { op: 'size-bar', device: 'dev0', bar: 1 },
    { op: 'enable-memory', device: 'dev0' },
    { op: 'disable-memory', device: 'dev0' },
    { op: 'enable-msix', device: 'dev0' },
    { op: 'disable-msix', device: 'dev0' },
    { op: 'mask-vector', device: 'dev0', vector: 95, masked: false },
    { op: 'hotplug', device: 'dev1' },
    { op: 'unplug', device: 'dev1' },
    { op: 'reset' },
    { op: 'begin' },
    { op: 'add-region', name: 'top', kind: 'ram', address: '0x0', size: '0x1000', priority: -1 },
    { op: 'remove-region', name: 'top' },
    { op: 'commit' },
    { op: 'enable-io', device: 'dev0' },
    { op: 'disable-io', device: 'dev0' },
    { op: 'add-region', name: 'top', kind: 'ram', address: '0x0', size: '0x1000', priority: 0 },
    { op: 'make-readonly', name: 'top' },
    { op: 'make-writable', name: 'top' },
    { op: 'add-region', name: 'bank', kind: 'readonly-ram', address: '0x0', size: '0x1000', priority: 1 },
    { op: 'shift-alias', name: 'bank', by: '0x2000' },
  ],
});

/** A copy of the full scenario with another value at `path`; `undefined` removes the key. */
function withValue(path: string, value: unknown): Json {
  const root = full();
  const keys = path.split('.');
  const last = keys.pop()!;
  const parent = keys.reduce((object: any, key) => object[key], root);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return root;
}

function problemsOf(read: () => unknown): readonly Problem[] {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInput);
    return (error as InvalidInput).problems;
  }
  return [];
}

const problemsWith = (path: string, value: unknown): readonly Problem[] =>
  problemsOf(() => decodeScenario(withValue(path, value)));

describe('decodeScenario', () => {
  it('reads every field', () => {
    expect(decodeScenario(full())).toEqual({
      version: 1,
      machine: {
        type: 'pseries',
        msixEmulation: 'off',
        ram: 0x8000_0000n,
        hostPageSize: 0x1_0000n,
        guestPageSize: 0x4000n,
      },
      revision: 'seed-v2',
      host: {
        kernel: 'msix-mappable',
        iommu: {
          type: 'type1',
          pageSizes: [0x1000n, 0x1_0000n],
          apertures: [
            { start: 0n, end: 0xfedf_ffffn },
            { start: 0xfef0_0000n, end: 0xffff_ffff_ffff_ffffn },
          ],
          maxMappings: 12,
          maxWindows: 2,
        },
      },
      devices: [
        {
          id: 'dev0',
          name: '0001:03:00.0',
          vendor: 0x1000,
          device: 0x97,
          bars: [
            {
              index: 1,
              size: 0x1_0000n,
              type: 'mem64',
              mmap: true,
              sparse: [{ offset: 0n, size: 0x1000n }],
            },
            { index: 3, size: 0x4_0000n, type: 'mem64p', mmap: false },
            { index: 5, size: 0x100n, type: 'io', mmap: false },
          ],
          msix: { vectors: 96, tableBar: 1, tableOffset: 0xe000n, pbaBar: 1, pbaOffset: 0xf000n },
          options: { 'x-msix-relocation': 'bar2', 'x-no-mmap': false, 'x-no-msix-emulation': true },
        },
        { id: 'dev1', name: 'dev1', vendor: 0, device: 0, bars: [], options: {} },
      ],
      operations: [
        { op: 'set-bar', device: 'dev0', bar: 1, address: 0x2100_0000_0000n },
        { op: 'size-bar', device: 'dev0', bar: 1 },
        { op: 'enable-memory', device: 'dev0' },
        { op: 'disable-memory', device: 'dev0' },
        { op: 'enable-msix', device: 'dev0' },
        { op: 'disable-msix', device: 'dev0' },
        { op: 'mask-vector', device: 'dev0', vector: 95, masked: false },
        { op: 'hotplug', device: 'dev1' },
        { op: 'unplug', device: 'dev1' },
        { op: 'reset' },
        { op: 'begin' },
        { op: 'add-region', name: 'top', kind: 'ram', address: 0n, size: 0x1000n, priority: -1 },
        { op: 'remove-region', name: 'top' },
        { op: 'commit' },
        { op: 'enable-io', device: 'dev0' },
        { op: 'disable-io', device: 'dev0' },
        { op: 'add-region', name: 'top', kind: 'ram', address: 0n, size: 0x1000n, priority: 0 },
        { op: 'make-readonly', name: 'top' },
        { op: 'make-writable', name: 'top' },
        { op: 'add-region', name: 'bank', kind: 'readonly-ram', address: 0n, size: 0x1000n, priority: 1 },
        { op: 'shift-alias', name: 'bank', by: 0x2000n },
      ],
    });
  });

  it('fills in the default of every field that is left out', () => {
    const least = {
      version: 1,
      machine: { type: 'q35', ram: 0x2000_0000 },
      host: { kernel: 'sparse-msix', iommu: { type: 'vfio-user' } },
      devices: [
        {
          id: 'a',
          bars: [
            { index: 0, size: 64, type: 'mem32' },
            { index: 1, size: 4, type: 'io' },
          ],
          msix: null,
        },
      ],
      operations: [{ op: 'add-region', name: 'r', kind: 'io', address: 0, size: 1 }, { op: 'reset' }],
    };
    expect(decodeScenario(least)).toEqual({
      version: 1,
      machine: {
        type: 'q35',
        msixEmulation: 'machine-default',
        ram: 0x2000_0000n,
        hostPageSize: 0x1000n,
        guestPageSize: 0x1000n,
      },
      revision: 'qemu-11.1',
      host: { kernel: 'sparse-msix', iommu: { type: 'vfio-user', pageSizes: [0x1000n] } },
      devices: [
        {
          id: 'a',
          name: 'a',
          vendor: 0,
          device: 0,
          bars: [
            { index: 0, size: 64n, type: 'mem32', mmap: true },
            { index: 1, size: 4n, type: 'io', mmap: false },
          ],
          options: {},
        },
      ],
      operations: [
        { op: 'add-region', name: 'r', kind: 'io', address: 0n, size: 1n, priority: 0 },
        { op: 'reset' },
      ],
    });
    expect(decodeScenario({ ...least, operations: undefined }).operations).toEqual([]);
  });

  it('takes a mask-vector without `masked` for masked', () => {
    const { operations } = decodeScenario(withValue('operations.6.masked', undefined));
    expect(operations[6]).toEqual({ op: 'mask-vector', device: 'dev0', vector: 95, masked: true });
  });

  it.each([
    ['machine.ram', '0x10000', 0x1_0000n],
    ['machine.ram', '0x40000000000', 1n << 42n],
    ['machine.ram', 0x1_0000, 0x1_0000n],
    ['devices.0.bars.0.size', '0x8000000000000000', 1n << 63n],
    ['devices.0.bars.0.size', 1, 1n],
    ['devices.0.bars.0.size', 3, 3n],
    ['devices.0.bars.0.sparse.0.offset', '0x8000000000000000', 1n << 63n],
    ['devices.0.bars.0.sparse.0.size', '0x0', 0n],
    ['devices.0.msix.tableOffset', '0xfffffff8', 0xffff_fff8n],
    ['host.iommu.pageSizes.0', '0x8000000000000000', 1n << 63n],
    ['operations.0.address', '0xFFFFFFFFFFFFFFFF', 0xffff_ffff_ffff_ffffn],
    ['operations.11.size', '0x10000000000000000', 1n << 64n],
    ['operations.11.priority', -(2 ** 31), -(2 ** 31)],
    ['operations.11.priority', 2 ** 31 - 1, 2 ** 31 - 1],
    ['devices.0.msix.pbaBar', 7, 7],
    ['devices.0.msix.vectors', 1, 1],
    ['devices.1.id', 'x'.repeat(200), 'x'.repeat(200)],
    ['host.iommu.maxMappings', 0, 0],
  ])('accepts %s = %j', (path, value, expected) => {
    const scenario = path === 'devices.0.msix.vectors' ? withValue('operations', []) : full();
    const keys = path.split('.');
    const last = keys.pop()!;
    const container: any = keys.reduce((object: any, key) => object[key], scenario);
    container[last] = value;
    if (path === 'devices.1.id') scenario['operations'] = [];
    const decoded: any = decodeScenario(scenario);
    expect(keys.reduce((object: any, key) => object[key], decoded)[last]).toEqual(expected);
  });
});

const missing = (what: string): string => `expected ${what}, which is missing`;
const number = (least: string, most: string): string =>
  `a hex string or safe integer from ${least} to ${most}`;
const U64 = '0xffffffffffffffff';
const NAME = 'a string of 1 to 200 printable characters';
const MACHINES = 'one of pc, q35, virt, pseries, generic';
const SOME_TYPES = 'one of io, mem32, mem64, mem32p, mem64p';

describe('decodeScenario reports the path and what is allowed', () => {
  it.each([
    ['version', 2, 'expected 1, found 2'],
    ['version', '1', 'expected 1, found "1"'],
    ['version', undefined, missing('1')],
    ['machine', undefined, missing('an object'), 3],
    ['machine', null, 'expected an object, found null', 3],
    ['machine.type', 'Q36', `expected ${MACHINES}, found "Q36"; did you mean q35?`],
    ['machine.type', 'microvm', `expected ${MACHINES}, found "microvm"`],
    ['machine.type', undefined, missing(MACHINES)],
    ['machine.type', 35, `expected ${MACHINES}, found 35`],
    ['machine.msixEmulation', true, 'expected one of machine-default, on, off, found true'],
    ['machine.ram', undefined, missing(number('0x10000', '0x40000000000'))],
    ['machine.ram', '0x8000', `expected ${number('0x10000', '0x40000000000')}, found "0x8000"`],
    ['machine.ram', '0x40000010000', `expected ${number('0x10000', '0x40000000000')}, found "0x40000010000"`],
    [
      'machine.pciHole64Size',
      '0x400000000001',
      `expected ${number('0x0', '0x400000000000')}, found "0x400000000001"`,
    ],
    ['machine.ram', '0x80001000', 'expected a multiple of hostPageSize'],
    ['machine.hostPageSize', '0x800', `expected ${number('0x1000', '0x10000')}, found "0x800"`],
    ['machine.hostPageSize', '0x3000', 'expected a power of two'],
    ['machine.guestPageSize', '0x20000', `expected ${number('0x1000', '0x10000')}, found "0x20000"`],
    ['machine.guestPageSize', '0x1001', 'expected a power of two'],
    ['revision', '', `expected ${NAME}, found ""`],
    ['revision', null, `expected ${NAME}, found null`],
    ['revision', 'a\u001Bb', `expected ${NAME}, found "a\\\\u001bb"`],
    ['host', [], 'expected an object, found an array', 4],
    [
      'host.kernel',
      'msix-mapable',
      'expected one of sparse-msix, msix-mappable, a version of Linux such as 6.12, found "msix-mapable"; did you mean msix-mappable?',
    ],
    ['host.iommu', 'type1', 'expected an object, found "type1"', 2],
    [
      'host.iommu.type',
      'Type1 ',
      'expected one of type1, iommufd, spapr-tce-v2, vfio-user, found "Type1 "; did you mean type1?',
    ],
    ['host.iommu.pageSizes', [], 'expected at least one page size'],
    ['host.iommu.pageSizes', '0x1000', 'expected an array, found "0x1000"', 2],
    ['host.iommu.pageSizes.1', '0x1800', 'expected a power of two'],
    ['host.iommu.pageSizes.0', 0, `expected ${number('0x1000', '0x8000000000000000')}, found 0`],
    ['host.iommu.apertures', {}, 'expected an array, found an object'],
    ['host.iommu.apertures.0', 7, 'expected an object, found 7', 3],
    [
      'host.iommu.apertures.0.end',
      '0x10000000000000000',
      `expected ${number('0x0', U64)}, found "0x10000000000000000"`,
    ],
    [
      'host.iommu.apertures.1.start',
      '0xfee00000',
      'expected ranges in rising order with a gap between any two',
      1,
      'host.iommu.apertures[1]',
    ],
    ['host.iommu.apertures.1.end', '0x1', 'expected an address at or above start'],
    ['host.iommu.maxMappings', 1_000_001, 'expected an integer from 0 to 1000000, found 1000001'],
    ['host.iommu.maxWindows', 0, 'expected an integer from 1 to 16, found 0'],
    ['host.iommu.maxWindows', '0x2', 'expected an integer from 1 to 16, found "0x2"'],
    ['devices', undefined, missing('an array')],
    ['devices', { dev0: {} }, 'expected an array, found an object'],
    ['devices.0', null, 'expected an object, found null', 3],
    ['devices.0.id', undefined, missing(NAME)],
    ['devices.0.id', 'x'.repeat(201), `expected ${NAME}, found "${'x'.repeat(40)}…"`],
    ['devices.1.id', 'dev0', '"dev0" is used twice'],
    ['devices.0.name', 3, `expected ${NAME}, found 3`],
    ['devices.0.vendor', '0x10000', `expected ${number('0x0', '0xffff')}, found "0x10000"`],
    ['devices.0.device', -1, `expected ${number('0x0', '0xffff')}, found -1`],
    ['devices.0.bars', undefined, missing('an array')],
    ['devices.0.bars.1.index', 1, '1 is used twice'],
    ['devices.0.bars.1.index', 6, 'expected an integer from 0 to 5, found 6'],
    ['devices.0.bars.1.index', 1.5, 'expected an integer from 0 to 5, found 1.5'],
    ['devices.0.bars.1.size', 0, `expected ${number('0x1', '0x8000000000000000')}, found 0`],
    [
      'devices.0.bars.1.size',
      '0x8000000000000001',
      `expected ${number('0x1', '0x8000000000000000')}, found "0x8000000000000001"`,
    ],
    ['devices.0.bars.1.size', '4096', `expected ${number('0x1', '0x8000000000000000')}, found "4096"`],
    ['devices.0.bars.1.size', 2 ** 53, `expected ${number('0x1', '0x8000000000000000')}, found ${2 ** 53}`],
    ['devices.0.bars.1.size', 4096.5, `expected ${number('0x1', '0x8000000000000000')}, found 4096.5`],
    ['devices.0.bars.1.type', 'mem65', `expected ${SOME_TYPES}, found "mem65"; did you mean mem64?`],
    ['devices.0.bars.1.type', undefined, missing(SOME_TYPES)],
    ['devices.0.bars.1.mmap', 'yes', 'expected true or false, found "yes"'],
    ['devices.0.bars.0.sparse', true, 'expected an array, found true'],
    ['devices.0.bars.0.sparse.0.size', undefined, missing(number('0x0', '0x8000000000000000'))],
    [
      'devices.0.bars.0.sparse.0.offset',
      '-0x1',
      `expected ${number('0x0', '0x8000000000000000')}, found "-0x1"`,
    ],
    ['devices.0.msix', [1], 'expected an object, found an array', 6],
    ['devices.0.msix.vectors', 0, 'expected an integer from 1 to 2048, found 0'],
    ['devices.0.msix.vectors', 2049, 'expected an integer from 1 to 2048, found 2049'],
    ['devices.0.msix.tableBar', 8, 'expected an integer from 0 to 7, found 8'],
    ['devices.0.msix.pbaBar', undefined, missing('an integer from 0 to 7')],
    ['devices.0.msix.tableOffset', '0xe004', 'expected a multiple of 8'],
    [
      'devices.0.msix.pbaOffset',
      '0x100000000',
      `expected ${number('0x0', '0xffffffff')}, found "0x100000000"`,
    ],
    ['devices.0.options', 'off', 'expected an object, found "off"'],
    [
      'devices.0.options.x-msix-relocation',
      'bar6',
      'expected one of off, auto, bar0, bar1, bar2, bar3, bar4, bar5, found "bar6"; did you mean bar0?',
    ],
    ['devices.0.options.x-no-mmap', 'on', 'expected true or false, found "on"'],
    ['devices.0.options.x-no-msix-emulation', 1, 'expected true or false, found 1'],
    ['operations', 'reset', 'expected an array, found "reset"'],
    ['operations.0', 'reset', 'expected an object, found "reset"', 2],
    ['operations.0', null, 'expected an object, found null', 2],
    ['operations.0.op', undefined, missing(`one of ${OPERATIONS.join(', ')}`)],
    [
      'operations.0.op',
      'setbar',
      `expected one of ${OPERATIONS.join(', ')}, found "setbar"; did you mean set-bar?`,
    ],
    ['operations.0.bar', 6, 'expected an integer from 0 to 5, found 6'],
    ['operations.0.bar', '1', 'expected an integer from 0 to 5, found "1"'],
    [
      'operations.0.address',
      '0x10000000000000000',
      `expected ${number('0x0', U64)}, found "0x10000000000000000"`,
    ],
    ['operations.0.address', undefined, missing(number('0x0', U64))],
    ['operations.0.device', 0, `expected ${NAME}, found 0`],
    ['operations.2.device', '', `expected ${NAME}, found ""`],
    ['operations.6.vector', 2048, 'expected an integer from 0 to 2047, found 2048'],
    ['operations.6.masked', 0, 'expected true or false, found 0'],
    [
      'operations.11.kind',
      'romd',
      'expected one of ram, rom, io, rom-device, protected-ram, readonly-ram, nonvolatile-ram, unmergeable-ram, shifted-ram, virtio-mem, found "romd"; did you mean rom?',
    ],
    ['operations.11.size', 0, `expected ${number('0x1', '0x10000000000000000')}, found 0`],
    [
      'operations.11.size',
      '0x10000000000000001',
      `expected ${number('0x1', '0x10000000000000000')}, found "0x10000000000000001"`,
    ],
    [
      'operations.11.priority',
      2 ** 31,
      'expected an integer from -2147483648 to 2147483647, found 2147483648',
    ],
    ['operations.11.name', undefined, missing(NAME)],
    ['operations.12.name', null, `expected ${NAME}, found null`],
  ] as const satisfies readonly (readonly [string, unknown, string, number?, string?])[])(
    'for %s = %j',
    (path, value, message, count = 1, where = undefined as string | undefined) => {
      const problems = problemsWith(path, value);
      const expectedPath = where ?? path.replace(/\.(\d+)/g, '[$1]');
      expect(problems).toContainEqual({ path: expectedPath, message });
      expect(problems).toHaveLength(count);
    },
  );

  it('for an input that is not an object, with an empty path', () => {
    for (const [value, found] of [
      [null, 'null'],
      [[], 'an array'],
      ['scenario', '"scenario"'],
      [1, '1'],
      [true, 'true'],
    ] as const) {
      const [first] = problemsOf(() => decodeScenario(value));
      expect(first).toEqual({ path: '', message: `expected an object, found ${found}` });
    }
    expect(problemsOf(() => decodeScenario(undefined))[0]!.message).toBe(missing('an object'));
  });

  it('for the IOMMU of pseries on another machine', () => {
    const scenario = withValue('machine.type', 'virt');
    scenario['host'].iommu.type = 'spapr-tce-v2';
    expect(problemsOf(() => decodeScenario(scenario))).toEqual([
      { path: 'host.iommu.type', message: 'spapr-tce-v2 is for pseries machines, not for virt' },
    ]);
    expect(problemsWith('host.iommu.type', 'spapr-tce-v2')).toEqual([]);
  });

  it('for all problems at once, in the order of the document', () => {
    const scenario = full();
    scenario['machine'].ram = 'lots';
    scenario['hots'] = {};
    scenario['host'].iommu.pageSizes = ['0x1000', '0x1001', -5];
    scenario['devices'][0].bars[0].size = 0;
    scenario['devices'][0].bars[2].index = 1;
    scenario['devices'][0].msix.tableOffset = 4;
    scenario['devices'].push({ id: 'dev1', bars: [], colour: 'red' });
    scenario['operations'].unshift({ op: 'rest' });
    scenario['operations'].push({ op: 'commit', device: 'dev0' });
    expect(problemsOf(() => decodeScenario(scenario)).map(({ path }) => path)).toEqual([
      'hots',
      'machine.ram',
      'host.iommu.pageSizes[1]',
      'host.iommu.pageSizes[2]',
      'devices[0].bars[0].size',
      'devices[0].bars[2].index',
      'devices[0].msix.tableOffset',
      'devices[2].colour',
      'devices[2].id',
      'operations[0].op',
      'operations[22].device',
    ]);
  });

  it('but finds no duplicates among the stand-ins of wrong values', () => {
    const scenario = full();
    scenario['devices'][0].bars[0].index = 6;
    scenario['devices'][0].bars[1].index = -1;
    scenario['devices'][0].bars[2].index = 0;
    scenario['devices'].push({ bars: [] }, { bars: [] }, 'dev4');
    expect(problemsOf(() => decodeScenario(scenario)).map(({ path }) => path)).toEqual([
      'devices[0].bars[0].index',
      'devices[0].bars[1].index',
      'devices[2].id',
      'devices[3].id',
      'devices[4]',
      'devices[4].id',
      'devices[4].bars',
    ]);
  });

  it('on one line of the error message for each problem', () => {
    const error = (() => {
      try {
        return decodeScenario({ ...full(), version: 3, revision: 1 });
      } catch (thrown) {
        return thrown as InvalidInput;
      }
    })() as InvalidInput;
    expect(error.name).toBe('InvalidInput');
    expect(error.message).toBe(`version: expected 1, found 3\nrevision: expected ${NAME}, found 1`);
    expect(new InvalidInput([{ path: '', message: 'no' }]).message).toBe('no');
  });
});

describe('decodeScenario refuses the unknown key', () => {
  it.each([
    ['machin', 'unknown key; did you mean machine?'],
    ['Operations', 'unknown key; did you mean operations?'],
    ['notes', 'unknown key; allowed are version, machine, revision, host, devices, operations, $schema'],
    ['machine.hostpagesize', 'unknown key; did you mean hostPageSize?'],
    ['machine.cpus', 'unknown key; did you mean cpu?'],
    ['host.iomu', 'unknown key; did you mean iommu?'],
    ['host.iommu.pagesizes', 'unknown key; did you mean pageSizes?'],
    ['host.iommu.apertures.0.ends', 'unknown key; did you mean end?'],
    ['devices.0.msi', 'unknown key; did you mean msix?'],
    ['devices.0.bars.0.sise', 'unknown key; did you mean size?'],
    ['devices.0.bars.0.sparse.0.len', 'unknown key; allowed are offset, size'],
    ['devices.0.msix.vector', 'unknown key; did you mean vectors?'],
    ['devices.0.options.x-nommap', 'unknown key; did you mean x-no-mmap?'],
    ['operations.0.adress', 'unknown key; did you mean address?'],
    ['operations.9.device', 'unknown key; allowed are op'],
    ['operations.2.bar', 'unknown key; allowed are op, device'],
    [
      'machine.constructor',
      'unknown key; allowed are type, cpu, pciHole64Size, highmemMmioSize, msixEmulation, ram, hostPageSize, guestPageSize',
    ],
    [
      'a'.repeat(41),
      'unknown key; allowed are version, machine, revision, host, devices, operations, $schema',
    ],
  ])('%s', (path, message) => {
    const where = path.replace(/\.(\d+)/g, '[$1]').replace(/^(.{40}).+$/, '$1…');
    expect(problemsWith(path, 1)).toEqual([{ path: where, message }]);
  });

  it('__proto__', () => {
    const text = toJsonLine(full()).replace('{"version"', '{"__proto__":{"version":1},"version"');
    expect(problemsOf(() => decodeScenario(parseJson(text))).map(({ path }) => path)).toEqual(['__proto__']);
  });
});

describe('decodeScenario refuses', () => {
  const check = (...operations: unknown[]): readonly (readonly [string, string])[] =>
    problemsOf(() => decodeScenario({ ...full(), operations })).map(
      ({ path, message }) => [path, message] as const,
    );
  const checkOn = (machine: object, ...operations: unknown[]): readonly (readonly [string, string])[] => {
    const host = { kernel: 'msix-mappable', iommu: { type: 'type1' } };
    return problemsOf(() => decodeScenario({ version: 1, machine, host, devices: [], operations })).map(
      ({ path, message }) => [path, message] as const,
    );
  };
  const region = (name: string) => ({ op: 'add-region', name, kind: 'io', address: 0, size: 1 });

  it.each([
    'set-bar',
    'size-bar',
    'enable-memory',
    'disable-memory',
    'enable-msix',
    'disable-msix',
    'mask-vector',
    'hotplug',
    'unplug',
  ])('%s of a device that does not exist', (op) => {
    const rest = { 'set-bar': { bar: 0, address: 0 }, 'size-bar': { bar: 0 }, 'mask-vector': { vector: 0 } };
    const operation = { op, device: 'dev7', ...rest[op as keyof typeof rest] };
    expect(check(operation)).toEqual([['operations[0].device', 'no device has the id "dev7"']]);
  });

  it('a hotplug of a plugged device and any other operation on an unplugged one', () => {
    const [plug, unplug, use] = ['hotplug', 'unplug', 'enable-memory'].map((op) => ({ op, device: 'dev0' }));
    expect(check(plug, use, unplug, plug, use)).toEqual([]);
    expect(check(use, unplug, plug, unplug)).toEqual([]);
    expect(check(plug, plug)).toEqual([['operations[1]', 'dev0 is plugged in already']]);
    expect(check(use, plug)).toEqual([['operations[0]', 'dev0 is not plugged in']]);
    expect(check(unplug, unplug)).toEqual([['operations[1]', 'dev0 is not plugged in']]);
    expect(check(unplug, use, plug)).toEqual([['operations[1]', 'dev0 is not plugged in']]);
    expect(check(plug, unplug, use)).toEqual([['operations[2]', 'dev0 is not plugged in']]);
  });

  it('DMA windows of pages or sizes that no guest of pseries can ask for, and on other machines', () => {
    const on = (machine: object, iommu: object, pageSize: unknown, size: unknown) =>
      problemsOf(() =>
        decodeScenario({
          version: 1,
          machine: { ram: '0x10000000', ...machine },
          host: { kernel: 'msix-mappable', iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000'], ...iommu } },
          devices: [],
          operations: [{ op: 'create-dma-window', pageSize, size }],
        }),
      ).map(({ path, message }) => [path, message] as const);
    const pseries = { type: 'pseries' };
    expect(on(pseries, {}, '0x1000000', '0x800000000000000')).toEqual([]);
    expect(on(pseries, {}, '0x8000', '0x10000')).toEqual([
      ['operations[0].pageSize', 'expected one of 0x1000, 0x10000, 0x200000, 0x1000000'],
    ]);
    expect(on(pseries, {}, '0x1000', '0x3000')).toEqual([['operations[0].size', 'expected a power of two']]);
    expect(on(pseries, {}, '0x10000', '0x1000')).toHaveLength(1);
    expect(on(pseries, { maxWindows: 1 }, '0x1000', '0x1000')).toEqual([
      ['operations[0]', 'a host with one DMA window (`maxWindows` 1) has none for the guest to make'],
    ]);
    expect(on({ type: 'virt' }, { type: 'type1' }, '0x1000', '0x1000')).toEqual([
      ['operations[0]', 'only guests of pseries make DMA windows, not those of virt'],
    ]);
  });

  it('mask-vector of a vector that the device does not have', () => {
    expect(check({ op: 'mask-vector', device: 'dev0', vector: 96 })).toEqual([
      ['operations[0].vector', 'dev0 has 96 vectors'],
    ]);
    expect(check({ op: 'mask-vector', device: 'dev1', vector: 0 })).toEqual([
      ['operations[0].vector', 'dev1 has 0 vectors'],
    ]);
  });

  it('a region that is added twice and the removal of one that does not exist', () => {
    const remove = (name: string) => ({ op: 'remove-region', name });
    expect(check(region('a'), region('b'), remove('a'), region('a'), remove('b'))).toEqual([]);
    expect(check(region('a'), region('a'))).toEqual([
      ['operations[1].name', 'a region with this name exists already'],
    ]);
    expect(check(remove('a'))).toEqual([['operations[0].name', 'no region with this name exists']]);
    expect(check(region('a'), remove('a'), remove('a'))).toEqual([
      ['operations[2].name', 'no region with this name exists'],
    ]);
  });

  it('a permission or a shift of a region of another kind', () => {
    const region = (kind: string) => ({ op: 'add-region', name: 'r', kind, address: 0, size: 0x1000 });
    const change = (op: string) => ({ op, name: 'r', ...(op === 'shift-alias' && { by: '0x1000' }) });
    for (const op of ['make-readonly', 'make-writable']) {
      expect([check(region('ram'), change(op)), check(region('rom'), change(op))]).toEqual([[], []]);
      for (const kind of ['io', 'rom-device', 'readonly-ram'])
        expect(check(region(kind), change(op))).toEqual([
          ['operations[1].name', 'no region of the kind ram or rom has this name'],
        ]);
    }
    const unlike = [['operations[1].name', 'no region that shows RAM again has this name']];
    expect(check(region('shifted-ram'), change('shift-alias'))).toEqual([]);
    expect(check(region('ram'), change('shift-alias'))).toEqual(unlike);
    expect(check({ op: 'reset' }, change('shift-alias'))).toEqual(unlike);
  });

  it('blocks of virtio-mem that are not whole, not inside it, or of another region', () => {
    const memory = (rest: object) => ({
      op: 'add-region',
      name: 'mem',
      kind: 'virtio-mem',
      address: '0x100000000',
      size: '0x400000',
      ...rest,
    });
    const plug = (rest: object) => ({
      op: 'plug-blocks',
      name: 'mem',
      offset: '0x0',
      size: '0x200000',
      ...rest,
    });
    const check = (...operations: unknown[]) => checkOn({ type: 'q35', ram: '0x10000000' }, ...operations);
    expect(check(memory({}), plug({}), plug({ op: 'unplug-blocks', offset: '0x200000' }))).toEqual([]);
    expect(check(memory({ blockSize: '0x1000', size: '0x3000' }), plug({ size: '0x1000' }))).toEqual([]);
    expect(checkOn({ type: 'pseries', ram: '0x10000000' }, memory({}))).toEqual([
      ['operations[0].kind', 'pseries has no virtio-mem'],
    ]);
    const withPages = { type: 'q35', ram: '0x10000000', hostPageSize: '0x4000' };
    expect(checkOn(withPages, memory({ blockSize: '0x1000' }))).toEqual([
      ['operations[0].blockSize', 'expected at least a page of the host'],
    ]);
    expect(checkOn(withPages, memory({ blockSize: '0x4000' }))).toEqual([]);
    expect(check(memory({ size: '0x300000' }))).toEqual([
      ['operations[0].size', 'expected a multiple of blockSize'],
    ]);
    expect(check(memory({ address: '0x1000' }))).toEqual([
      ['operations[0].address', 'expected a multiple of blockSize'],
    ]);
    expect(check(memory({ kind: 'ram', blockSize: '0x1000' }))).toEqual([
      ['operations[0].blockSize', 'is for virtio-mem, not for ram'],
    ]);
    expect(check(memory({ blockSize: '0x3000' }))).toContainEqual([
      'operations[0].blockSize',
      'expected a power of two',
    ]);
    expect(check(memory({}), plug({ offset: '0x100000', size: '0x300000' }))).toEqual([
      ['operations[1].offset', 'expected a multiple of blockSize'],
      ['operations[1].size', 'expected a multiple of blockSize'],
    ]);
    expect(check(memory({}), plug({ offset: '0x400000' }))).toEqual([
      ['operations[1].size', 'expected blocks inside the region'],
    ]);
    expect(check(memory({ kind: 'ram' }), plug({}))).toEqual([
      ['operations[1].name', 'no region of the kind virtio-mem has this name'],
    ]);
    expect(check(memory({}), { op: 'begin' }, plug({}), { op: 'commit' })).toEqual([
      ['operations[2]', 'the guest plugs no blocks inside a transaction'],
    ]);
  });

  it('a migration that begins twice, ends without a beginning, or begins inside a transaction', () => {
    const [start, stop] = [{ op: 'start-dirty-log' }, { op: 'stop-dirty-log' }];
    expect(check(start, stop, start)).toEqual([]);
    expect(check(start, start)).toEqual([['operations[1]', 'dirty pages are logged already']]);
    expect(check(stop)).toEqual([['operations[0]', 'dirty pages are not logged']]);
    expect(check({ op: 'begin' }, start, { op: 'commit' })).toEqual([
      ['operations[1]', 'no migration begins or ends inside a transaction'],
    ]);
  });

  it('a commit without a begin and a begin without a commit', () => {
    const [begin, commit] = [{ op: 'begin' }, { op: 'commit' }];
    expect(check(begin, begin, commit, commit, begin, commit)).toEqual([]);
    expect(check(commit, begin, commit)).toEqual([['operations[0]', 'no transaction is open']]);
    expect(check(begin, commit, commit)).toEqual([['operations[2]', 'no transaction is open']]);
    expect(check(begin, begin, commit)).toEqual([['operations', 'a transaction is left open']]);
  });

  it('each wrong operation with a problem of its own', () => {
    const commit = { op: 'commit' };
    expect(check(commit, commit, { op: 'unplug', device: 'x' })).toHaveLength(3);
  });

  it('no wrong operation while the scenario has other problems', () => {
    expect(
      problemsOf(() => decodeScenario({ ...full(), version: 2, operations: [{ op: 'commit' }] })),
    ).toEqual([{ path: 'version', message: 'expected 1, found 2' }]);
  });
});

describe('decodeDevice', () => {
  it('reads one device', () => {
    const [, device] = full()['devices'];
    expect(decodeDevice(device).id).toBe('dev1');
  });

  it('names its problems below "device"', () => {
    expect(problemsOf(() => decodeDevice({ id: 'x', bars: [{}], shape: 1 })).map(({ path }) => path)).toEqual(
      ['device.shape', 'device.bars[0].index', 'device.bars[0].size', 'device.bars[0].type'],
    );
  });
});

/** Calls `read`; the test fails if it throws anything but InvalidInput. */
function neverThrowsOtherwise(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const { message } of error.problems) expect(message).toMatch(/\S/);
  }
}

/** The JSON with one part replaced by `value`, or removed; `where` chooses the part, modulo their number. */
function replacePart(root: unknown, where: number, value: unknown): unknown {
  const places: [any, string | number][] = [];
  const visit = (part: any): void => {
    if (typeof part !== 'object' || part === null) return;
    for (const key of Array.isArray(part) ? part.keys() : Object.keys(part)) {
      places.push([part, key]);
      visit(part[key]);
    }
  };
  visit(root);
  const [parent, key] = places[where % places.length]!;
  if (value === undefined) {
    if (Array.isArray(parent)) parent.splice(key as number, 1);
    else delete parent[key];
  } else parent[key] = value;
  return root;
}

const jsonOf = (value: unknown): unknown => JSON.parse(toJsonLine(value));

describe('decodeScenario throws nothing but InvalidInput', () => {
  it('for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => neverThrowsOtherwise(() => decodeScenario(value))),
      { numRuns: 500 },
    );
  });

  it('for any JavaScript value, as decodeDevice does', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        neverThrowsOtherwise(() => decodeScenario(value));
        neverThrowsOtherwise(() => decodeDevice(value));
      }),
      { numRuns: 500 },
    );
  });

  it('for a scenario with replaced parts', () => {
    const interesting = fc.oneof(
      { weight: 3, arbitrary: fc.jsonValue() },
      { weight: 3, arbitrary: fc.constantFrom(...OPERATIONS, 'dev0', 'dev1', 'top') },
      {
        weight: 4,
        arbitrary: fc.constantFrom<unknown>(
          ...[
            '0x0',
            '0x10000000000000000',
            '0xfffffffffffffffff',
            '0x',
            '-1',
            '',
            'constructor',
            '__proto__',
          ],
          ...[0, -0, -1, 0.5, 1e308, -(2 ** 53), 2 ** 53, 2 ** 64, Number.NaN, Number.POSITIVE_INFINITY],
          ...[null, true, false, undefined],
        ),
      },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), interesting), { minLength: 1, maxLength: 4 }),
        fc.option(scenarios(), { freq: 2 }),
        (replacements, generated) => {
          let value: unknown = generated === null ? full() : jsonOf(encodeScenario(generated));
          for (const [where, part] of replacements) value = replacePart(value, where, part);
          neverThrowsOtherwise(() => decodeScenario(value));
        },
      ),
      { numRuns: 600 },
    );
  });

  it.each([
    ['an array', '[', ']'],
    ['an object', '{"machine":', '}'],
  ])('for %s nested 100,000 deep, and keeps its messages short', (_, open, close) => {
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    neverThrowsOtherwise(() => decodeScenario(parseJson(deep)));
    for (const path of [
      'machine',
      'revision',
      'devices.0.bars',
      'devices.0.msix.vectors',
      'operations.0.op',
    ]) {
      const problems = problemsWith(path, parseJson(deep));
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.every(({ message }) => message.length < 600)).toBe(true);
    }
  });

  it('with a short message for a long text', () => {
    const [problem] = problemsWith('machine.type', 'q'.repeat(100_000));
    expect(problem!.message.length).toBeLessThan(200);
  });
});
