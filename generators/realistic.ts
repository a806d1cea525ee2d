import {
  deviceNeeds,
  hardwareNeeds,
  isCloudHypervisor,
  type DeviceSpec,
  type HostSpec,
  type IommuTypeName,
  type MachineSpec,
  type MachineType,
  type Scenario,
} from '../src/scenario/index.ts';
import type { Size } from '../src/address/index.ts';
import type { Choose } from './choose.ts';
import { chooseDevice } from './device.ts';
import { withDmaWindow } from './dma-windows.ts';
import { chooseFirmwareOperations } from './firmware-operations.ts';
import { chooseHost } from './host.ts';
import { chooseMachine } from './machine.ts';
import { chooseNamedHost, hostOf, machineOn } from './named-host.ts';
import { asReal } from './real-machine.ts';
import { REAL_DEVICES } from './real-devices.ts';

/** How many of a hundred scenarios a real machine can show, as firmware sets it up (`needsOf` is empty). */
export const REALISTIC_SHARE = 30;

/** Of a hundred of these, how many run on a host of `NAMED_HOSTS`, where one runs the machine. */
const NAMED_SHARE = 50;
/** How often a part is drawn again because no real machine has it, before a plain one takes its place. */
const ATTEMPTS = 8;

/** What a realistic scenario is drawn from. */
export interface RealisticOptions {
  readonly revision: string;
  readonly iommuTypes: readonly IommuTypeName[];
  readonly machineTypes: readonly MachineType[];
  /** Whether to draw what only a model can show: power states, graphics cards. */
  readonly modelOnly: boolean;
}

/** A scenario that a real machine can show; `undefined` where the options allow no real machine. */
export function chooseRealisticScenario(choose: Choose, options: RealisticOptions): Scenario | undefined {
  const hardware = chooseHardware(choose, options);
  if (hardware === undefined) return undefined;
  const count = choose.weighted([12, 1], [5, 2], [2, 3]);
  // Without devices: the machine and its host are asked once, and not again for each device that is drawn.
  const isReal = hardwareNeeds(hardware).length === 0;
  const { hostPageSize } = hardware.machine;
  const devices = choose.list(count, (index) =>
    chooseRealDevice(choose, `dev${index}`, hostPageSize, { isReal, graphicsCards: options.modelOnly }),
  );
  const whole = { ...hardware, devices };
  const operations = chooseFirmwareOperations(choose, whole, options.modelOnly);
  const { machine, host } = whole;
  return {
    ...whole,
    operations: options.modelOnly ? withDmaWindow(choose, machine, host, operations) : operations,
  };
}

type Hardware = Omit<Scenario, 'operations'>;

function chooseHardware(
  choose: Choose,
  { revision, iommuTypes, machineTypes }: RealisticOptions,
): Hardware | undefined {
  const types = machineTypes.filter((type) => canBeReal(type, revision, iommuTypes));
  if (types.length === 0) return undefined;
  const drawn = chooseMachine(choose, types);
  const fitting = typesFor(drawn.type, iommuTypes);
  const named = chooseNamedHost(choose, drawn, fitting, NAMED_SHARE);
  const machine = asReal(named === undefined ? drawn : machineOn(named, drawn));
  const host = named === undefined ? chooseHost(choose, machine, fitting) : hostOf(choose, named, fitting);
  return { version: 1, machine, revision, host: asUsual(host, machine), devices: [] };
}

/** The kinds of container that the machine has on a host of its own architecture. */
const typesFor = (machine: MachineType, types: readonly IommuTypeName[]): readonly IommuTypeName[] =>
  types.filter((name) => name === 'vfio-user' || (name === 'spapr-tce-v2') === (machine === 'pseries'));

const canBeReal = (type: MachineType, revision: string, types: readonly IommuTypeName[]): boolean =>
  (type !== 'generic' || isCloudHypervisor({ revision })) && typesFor(type, types).length > 0;

/** The host with the page of its kernel in its IOMMU, and without limits that only a test sets. */
function asUsual(host: HostSpec, { hostPageSize }: MachineSpec): HostSpec {
  const { maxMappings: _, apertures, pageSizes, ...iommu } = host.iommu;
  const reachesFar = apertures !== undefined && apertures.at(-1)!.end >= 1n << 32n;
  const hasPage = pageSizes.some((size) => size <= hostPageSize);
  return {
    ...host,
    iommu: {
      ...iommu,
      pageSizes: hasPage ? pageSizes : [hostPageSize, ...pageSizes],
      ...(reachesFar && { apertures }),
    },
  };
}

/**
 * A device that obeys the PCI specification.
 *
 * @param isReal whether a real machine has the rest of the hardware.
 */
function chooseRealDevice(
  choose: Choose,
  id: string,
  hostPageSize: Size,
  { isReal, graphicsCards }: { readonly isReal: boolean; readonly graphicsCards: boolean },
): DeviceSpec {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const device = chooseDevice(choose, id, hostPageSize, false, graphicsCards);
    if (isReal && deviceNeeds(device, hostPageSize).length === 0) return device;
  }
  const { source: _, ...real } = choose.among(REAL_DEVICES);
  return { ...real, id, name: id, options: {} };
}
