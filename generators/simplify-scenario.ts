import { isPowerOfTwo, offset } from '../src/address/index.ts';
import { msixTableRange } from '../src/pci-layout/index.ts';
import {
  checkScenario,
  type BarSpec,
  type DeviceSpec,
  type IommuSpec,
  type MachineSpec,
  type MsixSpec,
  type Operation,
  type Scenario,
  ScenarioDecoder,
} from '../src/scenario/index.ts';
import { weigh } from './weigh.ts';

/**
 * Scenarios that are simpler than this one, best first: without devices, operations and BARs, on a
 * simpler machine and host, with smaller and rounder numbers. All of them are valid, and all weigh less
 * (`weigh`), so that repeated simplification ends.
 */
export function* simplifyScenario(scenario: Scenario): Generator<Scenario> {
  const weight = weigh(scenario);
  for (const candidate of withLowerLimits(candidates(scenario))) {
    if (weigh(candidate) < weight && canBeCarriedOut(candidate)) yield candidate;
  }
}

function canBeCarriedOut(scenario: Scenario): boolean {
  const decoder = new ScenarioDecoder();
  checkScenario(scenario, decoder, '');
  return decoder.problems.length === 0;
}

/** Each scenario, and copies with a lower limit of DMA mappings: with less to map, a run reaches only a lower limit. */
function* withLowerLimits(scenarios: Iterable<Scenario>): Generator<Scenario> {
  for (const scenario of scenarios) {
    yield scenario;
    const { host } = scenario;
    const { maxMappings = 0 } = host.iommu;
    for (let limit = maxMappings - 1; limit >= 0 && limit >= maxMappings - 3; limit--) {
      yield { ...scenario, host: { ...host, iommu: { ...host.iommu, maxMappings: limit } } };
    }
  }
}

function* candidates(scenario: Scenario): Generator<Scenario> {
  yield* withFewerDevices(scenario);
  yield* withFewerOperations(scenario);
  yield* withFewerBars(scenario);
  yield* withFirstDeviceName(scenario);
  yield* withFirstBar(scenario);
  for (const machine of simplerMachines(scenario.machine)) {
    yield { ...scenario, machine };
    // Only pseries has an sPAPR IOMMU.
    const { iommu } = scenario.host;
    if (iommu.type === 'spapr-tce-v2' && machine.type !== 'pseries') {
      const { maxWindows: _, ...plain } = iommu;
      yield { ...scenario, machine, host: { ...scenario.host, iommu: { ...plain, type: 'type1' } } };
    }
  }
  yield* onSimplerHosts(scenario);
  for (const [index, device] of scenario.devices.entries()) {
    for (const simpler of simplerDevices(device)) yield withDevice(scenario, index, simpler);
  }
  yield* withSimplerOperations(scenario);
  yield* withOneAddressForMany(scenario);
}

const FIRST_DEVICE = 'dev0';

const withDevice = (scenario: Scenario, index: number, device: DeviceSpec): Scenario => ({
  ...scenario,
  devices: scenario.devices.with(index, device),
});

const deviceOf = (operation: Operation): string | undefined =>
  'device' in operation ? operation.device : undefined;

/** Renames a lone device `dev0`. */
function* withFirstDeviceName(scenario: Scenario): Generator<Scenario> {
  const [device] = scenario.devices;
  if (device === undefined || device.id === FIRST_DEVICE || scenario.devices.length > 1) return;
  yield {
    ...scenario,
    devices: [{ ...device, id: FIRST_DEVICE, name: FIRST_DEVICE }],
    operations: scenario.operations.map((operation) =>
      'device' in operation ? { ...operation, device: FIRST_DEVICE } : operation,
    ),
  };
}

/** Makes a lone BAR BAR 0, also in the MSI-X capability and in the operations. */
function* withFirstBar(scenario: Scenario): Generator<Scenario> {
  for (const [at, device] of scenario.devices.entries()) {
    const [bar] = device.bars;
    if (bar === undefined || bar.index === 0 || device.bars.length > 1) continue;
    const { msix } = device;
    const renumber = (index: number): number => (index === bar.index ? 0 : index);
    const moved = {
      ...device,
      bars: [{ ...bar, index: 0 }],
      ...(msix && { msix: { ...msix, tableBar: renumber(msix.tableBar), pbaBar: renumber(msix.pbaBar) } }),
    };
    yield {
      ...withDevice(scenario, at, moved),
      operations: scenario.operations.map((operation) =>
        'bar' in operation && operation.device === device.id
          ? { ...operation, bar: renumber(operation.bar) }
          : operation,
      ),
    };
  }
}

function* withFewerDevices(scenario: Scenario): Generator<Scenario> {
  for (const device of scenario.devices) {
    yield {
      ...scenario,
      devices: scenario.devices.filter((other) => other !== device),
      operations: scenario.operations.filter((operation) => deviceOf(operation) !== device.id),
    };
  }
}

/** Without a stretch of operations (all, halves, quarters, single ones), or without two that form a pair. */
function* withFewerOperations(scenario: Scenario): Generator<Scenario> {
  const { operations } = scenario;
  for (let length = operations.length; length >= 1; length = Math.floor(length / 2)) {
    for (let start = 0; start < operations.length; start += length) {
      yield { ...scenario, operations: operations.toSpliced(start, length) };
    }
  }
  for (const [index, operation] of operations.entries()) {
    const partner = operations.findIndex((other, at) => at > index && closes(operation, other));
    if (partner === -1) continue;
    yield { ...scenario, operations: operations.filter((_, at) => at !== index && at !== partner) };
  }
}

/** Whether `second` undoes `first`: without both the scenario stays valid, without one it may not. */
function closes(first: Operation, second: Operation): boolean {
  if (first.op === 'begin') return second.op === 'commit';
  if (first.op === 'add-region') return second.op === 'remove-region' && second.name === first.name;
  if (first.op === 'unplug') return second.op === 'hotplug' && second.device === first.device;
  return first.op === 'disable-memory' && second.op === 'enable-memory' && second.device === first.device;
}

function* withFewerBars(scenario: Scenario): Generator<Scenario> {
  for (const [index, device] of scenario.devices.entries()) {
    for (const bar of device.bars) {
      const bars = device.bars.filter((other) => other !== bar);
      const operations = scenario.operations.filter(
        (operation) => !('bar' in operation && operation.device === device.id && operation.bar === bar.index),
      );
      yield { ...withDevice(scenario, index, { ...device, bars }), operations };
      if (device.msix !== undefined) {
        const { msix: _, ...withoutMsix } = device;
        yield { ...withDevice(scenario, index, { ...withoutMsix, bars }), operations };
      }
    }
  }
}

function* simplerMachines(machine: MachineSpec): Generator<MachineSpec> {
  const { cpu, pciHole64Size, highmemMmioSize, ...plain } = machine;
  if ([cpu, pciHole64Size, highmemMmioSize].some((limit) => limit !== undefined)) yield plain;
  if (machine.type !== 'generic') yield { ...plain, type: 'generic' };
  if (machine.msixEmulation !== 'machine-default') yield { ...machine, msixEmulation: 'machine-default' };
  for (const size of [0x1000n, 0x1_0000n]) {
    yield { ...machine, hostPageSize: size, guestPageSize: size };
    yield { ...machine, hostPageSize: size };
    yield { ...machine, guestPageSize: size };
  }
  for (const ram of simplerRam(machine)) yield { ...machine, ram };
}

const MIB = 1n << 20n;

/** Round sizes first; then odd ones, which keep a finding about RAM that is no multiple of the IOMMU's page. */
function* simplerRam({ ram, hostPageSize }: MachineSpec): Generator<bigint> {
  yield* [0x1000_0000n, 0x4000_0000n, 0x8000_0000n, 0x1_0000_0000n];
  for (let unit = 1n << 32n; unit > hostPageSize; unit >>= 4n) {
    if (ram > unit) yield ram - (ram % unit);
  }
  // Less RAM would not reach the BIOS area of a PC, which ends at 1 MiB.
  yield MIB + hostPageSize;
}

function* onSimplerHosts(scenario: Scenario): Generator<Scenario> {
  const { machine, host } = scenario;
  // Hardware has no BAR of an odd size, so a scenario with one stays behind vfio-user.
  const onlyServed = scenario.devices.some(({ bars }) => bars.some(({ size }) => !isPowerOfTwo(size)));
  for (const iommu of simplerIommus(host.iommu, machine.hostPageSize)) {
    if (!onlyServed || iommu.type === host.iommu.type) yield { ...scenario, host: { ...host, iommu } };
  }
  const { memlock, unpinnableRam, ...plain } = host;
  if (memlock !== undefined || unpinnableRam !== undefined) yield { ...scenario, host: plain };
  if (host.kernel !== 'msix-mappable') yield { ...scenario, host: { ...host, kernel: 'msix-mappable' } };
}

function* simplerIommus(iommu: IommuSpec, page: bigint): Generator<IommuSpec> {
  const { apertures, maxMappings, maxWindows, ...plain } = iommu;
  yield plain;
  if (apertures !== undefined) {
    yield { ...plain, ...(maxMappings !== undefined && { maxMappings }) };
    for (const aperture of apertures) yield { ...iommu, apertures: [aperture] };
    for (const { end } of apertures) yield { ...iommu, apertures: [{ start: 0n, end }] };
  }
  if (maxMappings !== undefined) {
    yield { ...plain, ...(apertures && { apertures }) };
    for (let limit = 0; limit < maxMappings; limit++) yield { ...iommu, maxMappings: limit };
  }
  if (maxWindows !== undefined) yield plain;
  if (iommu.type !== 'type1' && iommu.type !== 'spapr-tce-v2') yield { ...iommu, type: 'type1' };
  yield { ...iommu, pageSizes: [page] };
  for (const size of iommu.pageSizes) yield { ...iommu, pageSizes: [size] };
  yield { ...iommu, pageSizes: [0x1000n] };
}

function* simplerDevices(device: DeviceSpec): Generator<DeviceSpec> {
  const { msix, ...withoutMsix } = device;
  if (msix !== undefined) yield withoutMsix;
  if (Object.keys(device.options).length > 0) yield { ...device, options: {} };
  if (device.vendor !== 0 || device.device !== 0) yield { ...device, vendor: 0, device: 0 };
  if (device.name !== device.id) yield { ...device, name: device.id };
  for (const [index, bar] of device.bars.entries()) {
    for (const simpler of simplerBars(bar)) yield { ...device, bars: device.bars.with(index, simpler) };
    if (msix === undefined) continue;
    // A smaller BAR, with the table, the PBA or both moved down by as much as the BAR shrinks.
    for (const size of simplerSizes(bar.size)) {
      const bars = device.bars.with(index, { ...bar, size });
      for (const moved of keepingItsPlace(msix, bar, size)) yield { ...device, bars, msix: moved };
    }
  }
  if (msix !== undefined) for (const simpler of simplerMsix(msix)) yield { ...device, msix: simpler };
}

function* simplerBars(bar: BarSpec): Generator<BarSpec> {
  const { sparse, ...plain } = bar;
  if (sparse !== undefined) {
    yield plain;
    for (const [index, area] of sparse.entries()) {
      yield { ...bar, sparse: sparse.toSpliced(index, 1) };
      for (const size of [0x1000n, 0x1_0000n])
        yield { ...bar, sparse: sparse.with(index, { ...area, size }) };
      for (const start of [0n, 0x1000n, 0x1_0000n]) {
        yield { ...bar, sparse: sparse.with(index, { ...area, offset: offset(start) }) };
      }
    }
  }
  if (bar.type.endsWith('p')) yield { ...bar, type: bar.type.slice(0, -1) as BarSpec['type'] };
  if (bar.type !== 'mem32' && bar.type !== 'io') yield { ...bar, type: 'mem32' };
  if (!bar.mmap && bar.type !== 'io') yield { ...bar, mmap: true };
  for (const size of simplerSizes(bar.size)) yield { ...bar, size };
}

const simplerSizes = (size: bigint): readonly bigint[] =>
  [0x1000n, 0x1_0000n, 0x800n, size / 4n, size / 2n, 2n * size, 0x3000n].filter(
    (simpler) => simpler >= 16n && (isPowerOfTwo(simpler) || !isPowerOfTwo(size)),
  );

/** An offset that the MSI-X capability can hold: 32 bits, of which the three low ones are the BIR. */
const capabilityOffset = (at: bigint) => offset(at & 0xffff_fff8n);

function* keepingItsPlace(msix: MsixSpec, bar: BarSpec, size: bigint): Generator<MsixSpec> {
  const lost = bar.size - size;
  const shift = (at: bigint) => (at >= lost ? capabilityOffset(at - lost) : offset(at));
  const table = msix.tableBar === bar.index ? shift(msix.tableOffset) : msix.tableOffset;
  const pba = msix.pbaBar === bar.index ? shift(msix.pbaOffset) : msix.pbaOffset;
  yield { ...msix, tableOffset: table };
  yield { ...msix, pbaOffset: pba };
  yield { ...msix, tableOffset: table, pbaOffset: pba };
  yield { ...msix, tableOffset: offset(0n), pbaOffset: capabilityOffset(size / 2n) };
}

function* simplerMsix(msix: MsixSpec): Generator<MsixSpec> {
  for (const vectors of [1, 2, 64, Math.floor(msix.vectors / 2), msix.vectors - 1]) {
    if (vectors >= 1 && vectors < msix.vectors) yield { ...msix, vectors };
  }
  if (msix.pbaBar !== msix.tableBar) yield { ...msix, pbaBar: msix.tableBar };
  if (msix.tableBar !== 0)
    yield { ...msix, tableBar: 0, pbaBar: msix.pbaBar === msix.tableBar ? 0 : msix.pbaBar };
  for (const at of rounderNumbers(msix.tableOffset)) yield { ...msix, tableOffset: offset(at) };
  for (const at of rounderNumbers(msix.pbaOffset)) yield { ...msix, pbaOffset: offset(at) };
  yield { ...msix, pbaOffset: capabilityOffset(msixTableRange(msix).end) };
}

/** Simpler numbers in place of `value`: round ones, its leading digits followed by zeros, and half of it. */
function* rounderNumbers(value: bigint): Generator<bigint> {
  yield* [0n, 0x1000n, 0x1_0000n, 0x2000n, 0x2_0000n, 0x100n];
  for (let unit = 1n << 60n; unit >= 8n; unit >>= 4n) {
    if (value > unit) yield value - (value % unit);
  }
  yield (value / 2n) & ~7n;
}

/** Addresses with one or two digits that are not 0, inside and outside the machines' windows. */
const ROUND_ADDRESSES: readonly bigint[] = [
  0xc000_0000n,
  0x80_0000_0000n,
  0x2100_0000_0000n,
  0x1000_0000n,
  0x8000_0000n,
  0xc001_0000n,
  0xc000_1000n,
];

function* withSimplerOperations(scenario: Scenario): Generator<Scenario> {
  const { operations } = scenario;
  for (const [index, operation] of operations.entries()) {
    for (const simpler of simplerOperations(operation)) {
      yield { ...scenario, operations: operations.with(index, simpler) };
    }
  }
}

function* simplerOperations(operation: Operation): Generator<Operation> {
  switch (operation.op) {
    case 'set-bar':
      for (const address of [...ROUND_ADDRESSES, ...rounderNumbers(operation.address)])
        yield { ...operation, address };
      return;
    case 'add-region':
      if (operation.priority !== 0) yield { ...operation, priority: 0 };
      if (operation.name !== 'overlay') yield { ...operation, name: 'overlay' };
      for (const size of [0x1000n, 0x1_0000n, 0x800n, operation.size / 2n])
        if (size > 0n) yield { ...operation, size };
      for (const address of [...ROUND_ADDRESSES, ...rounderNumbers(operation.address)])
        yield { ...operation, address };
      return;
    case 'mask-vector':
      yield { ...operation, vector: 0 };
      return;
    default:
  }
}

/** All addresses moved down by the same distance, so that neighbours stay neighbours. */
function* withOneAddressForMany(scenario: Scenario): Generator<Scenario> {
  const placed = scenario.operations.filter(
    (operation) => operation.op === 'set-bar' || operation.op === 'add-region',
  );
  if (placed.length < 2) return;
  const least = placed.reduce(
    (lowest, { address }) => (address < lowest ? address : lowest),
    placed[0]!.address,
  );
  for (const target of ROUND_ADDRESSES) {
    if (target >= least) continue;
    yield {
      ...scenario,
      operations: scenario.operations.map((operation) =>
        'address' in operation ? { ...operation, address: operation.address - least + target } : operation,
      ),
    };
  }
}
