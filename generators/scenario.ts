import type * as fc from 'fast-check';
import {
  IOMMU_TYPES,
  MACHINE_TYPES,
  type IommuTypeName,
  type MachineType,
  type Scenario,
} from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import type { Choose } from './choose.ts';
import { chooseDevice } from './device.ts';
import { withDmaWindow } from './dma-windows.ts';
import { withFault } from './faults.ts';
import { chooseHost, limitMappings } from './host.ts';
import { chooseMachine } from './machine.ts';
import { chooseNamedHost, hostOf, machineOn } from './named-host.ts';
import { withLaterChanges } from './later-changes.ts';
import { withMemoryOperations } from './memory-operations.ts';
import { chooseOperations } from './operations.ts';
import { chooseRealisticScenario, REALISTIC_SHARE } from './realistic.ts';
import { chooseRamNear1TiB } from './ram-near-1-tib.ts';
import { withRom } from './roms.ts';
import { simplifyScenario } from './simplify-scenario.ts';

/** How many of a hundred other scenarios run on a host of `NAMED_HOSTS`, where one runs the machine. */
const NAMED_SHARE = 25;

/** Limits on the scenarios to generate. */
export interface ScenarioConstraints {
  /** Id of the revision that every scenario names; `qemu-11.1` by default. */
  readonly revision?: string;
  /** The kinds of VFIO container that the revision supports; all by default. */
  readonly iommuTypes?: readonly IommuTypeName[];
  /** The machine types to draw from; all by default. */
  readonly machineTypes?: readonly MachineType[];
  /**
   * Whether to do what only a model of QEMU can: add regions on top of system memory, make changes in transactions, and
   * set power states; true by default.
   */
  readonly overlays?: boolean;
  /**
   * Whether to draw virtio-mem, where `overlays` allows it. By default for revisions with iommufd: only the newest revision
   * has rules for both.
   */
  readonly virtioMem?: boolean;
  /** Whether to draw read-only BARs, where `overlays` allows it. By default for revisions with iommufd, as above. */
  readonly readonlyBars?: boolean;
  /** Whether to draw expansion ROMs; true by default. */
  readonly roms?: boolean;
  /** Whether hosts may have faults, where a kernel is the host; true by default. */
  readonly faults?: boolean;
  /** Whether to draw only scenarios that a real machine can show (`needsOf` is empty); false by default. */
  readonly realistic?: boolean;
}

/** Whole scenarios: a machine, its host, one to three devices, and a sequence of operations. */
export function scenarios(constraints: ScenarioConstraints = {}): fc.Arbitrary<Scenario> {
  return arbitrary((choose) => chooseScenario(choose, constraints), simplifyScenario);
}

const NO_REAL_MACHINE = 'no real machine has one of the machine types with one of the kinds of container';

/**
 * Builds a valid scenario.
 *
 * @throws RangeError where only realistic scenarios are asked for, and the constraints allow no real machine.
 */
export function chooseScenario(choose: Choose, constraints: ScenarioConstraints): Scenario {
  const {
    revision = 'qemu-11.1',
    iommuTypes = IOMMU_TYPES,
    machineTypes = MACHINE_TYPES,
    overlays = true,
    virtioMem = iommuTypes.includes('iommufd'),
    readonlyBars = iommuTypes.includes('iommufd'),
    roms = true,
    realistic = false,
    faults = true,
  } = constraints;
  const finish = (scenario: Scenario, isReal: boolean): Scenario =>
    roms ? withRom(choose, scenario, { isReal }) : scenario;
  const recent = { virtioMem, readonlyBars };
  if (realistic || choose.chance(REALISTIC_SHARE)) {
    const scenario = chooseRealisticScenario(choose, {
      revision,
      iommuTypes,
      machineTypes,
      modelOnly: overlays,
    });
    if (scenario !== undefined) {
      const whole = overlays ? withMemoryOperations(choose, scenario, { ...recent, isReal: true }) : scenario;
      return finish(withLaterChanges(choose, whole, { modelOnly: overlays, isReal: true }), true);
    }
    if (realistic) throw new RangeError(NO_REAL_MACHINE);
  }
  // Only pseries has sPAPR containers.
  const onlySpapr = iommuTypes.every((type) => type === 'spapr-tce-v2');
  const drawn = chooseMachine(choose, onlySpapr ? ['pseries'] : machineTypes);
  const named = chooseNamedHost(choose, drawn, iommuTypes, NAMED_SHARE);
  const machine = named === undefined ? drawn : machineOn(named, drawn);
  const host =
    named === undefined ? chooseHost(choose, machine, iommuTypes) : hostOf(choose, named, iommuTypes);
  const count = choose.weighted([15, 1], [4, 2], [1, 3]);
  const devices = choose.list(count, (index) =>
    // Hardware has BARs of powers of two; a vfio-user server may report anything.
    chooseDevice(choose, `dev${index}`, machine.hostPageSize, host.iommu.type === 'vfio-user', overlays),
  );
  const drawnOperations = chooseOperations(choose, machine, devices, overlays);
  const limited = limitMappings(choose, host, machine.type, devices);
  const operations = overlays ? withDmaWindow(choose, machine, limited, drawnOperations) : drawnOperations;
  const scenario: Scenario = { version: 1, machine, revision, host: limited, devices, operations };
  const drawnWhole = chooseRamNear1TiB(choose, scenario);
  const whole = overlays
    ? withMemoryOperations(choose, drawnWhole, { ...recent, isReal: false })
    : drawnWhole;
  const changed = withLaterChanges(choose, whole, { modelOnly: overlays, isReal: false });
  return withFault(choose, finish(changed, false), faults);
}
