import type { MachineSpec, Scenario } from '../../src/scenario/index.ts';

/** The scenario on simpler machines. */
export function* onSimplerMachines(scenario: Scenario): Generator<Scenario> {
  for (const machine of simplerMachines(scenario.machine)) yield* onMachine(scenario, machine);
}

/** The scenario on another machine, with a host that has this machine. */
export function* onMachine(scenario: Scenario, machine: MachineSpec): Generator<Scenario> {
  const { machine: before, host } = scenario;
  yield { ...scenario, machine };
  const { hostPageSize } = machine;
  // An IOMMU has the page of its host.
  if (hostPageSize !== before.hostPageSize) {
    yield { ...scenario, machine, host: { ...host, iommu: { ...host.iommu, pageSizes: [hostPageSize] } } };
  }
  if (machine.type === before.type) return;
  // A CPU, a hole or a window is of one machine.
  const { cpu, pciHole64Size, highmemMmioSize, ...plain } = machine;
  if ([cpu, pciHole64Size, highmemMmioSize].some((limit) => limit !== undefined))
    yield { ...scenario, machine: plain };
  const { maxWindows: _, ...iommu } = host.iommu;
  // Only pseries has an sPAPR IOMMU.
  if (iommu.type === 'spapr-tce-v2' && machine.type !== 'pseries')
    yield { ...scenario, machine: plain, host: { ...host, iommu: { ...iommu, type: 'type1' } } };
  if (iommu.type === 'type1' && machine.type === 'pseries') {
    const { apertures: __, maxMappings: ___, ...plainIommu } = iommu;
    yield { ...scenario, machine: plain, host: { ...host, iommu: { ...plainIommu, type: 'spapr-tce-v2' } } };
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
