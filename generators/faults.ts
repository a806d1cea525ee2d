import type {
  FaultError,
  FaultRequest,
  FaultSpec,
  HostSpec,
  IommuTypeName,
  Scenario,
} from '../src/scenario/index.ts';
import { FAULT_ERRORS, REQUESTS_WITH_DEVICE } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';
import { RAM_START } from './ram-start.ts';

/** How many of a hundred scenarios have a fault of the host. */
const FAULT_SHARE = 4;
/** Of a hundred faults, how many are requests that the host never answers: these end the run and show little. */
const NEVER_SHARE = 8;
/** The last of the requests that a fault counts: a start alone maps and unmaps a few times. */
const MOST_REQUESTS = 12;

/** Kinds of request by how often a fault is one of them: maps lead to the most different ends, and of failed unmaps few are seen. */
const kindsFor = (type: IommuTypeName): readonly (readonly [weight: number, request: FaultRequest])[] => [
  [8, 'dma-map'],
  [8, 'dma-unmap'],
  [3, 'memslot'],
  [2, 'attach'],
  [3, 'mmap'],
  [1, 'set-irqs'],
  [1, 'reset'],
  ...(type === 'iommufd' ? ([[1, 'create-ioas']] as const) : []),
];

/**
 * Gives the hosts of a few scenarios a fault; nothing else of them changes.
 *
 * @param isWanted whether the target knows what follows from a fault. The draws are the same where it does not.
 */
export function withFault(choose: Choose, scenario: Scenario, isWanted: boolean): Scenario {
  if (!choose.chance(FAULT_SHARE)) return scenario;
  const { host, devices } = scenario;
  const fault = chooseFault(choose, scenario);
  if (!isWanted || host.iommu.type === 'vfio-user' || devices.length === 0) return scenario;
  const faulty: HostSpec = { ...host, faults: [fault] };
  return { ...scenario, host: faulty };
}

function chooseFault(choose: Choose, scenario: Scenario): FaultSpec {
  const { host, devices } = scenario;
  const request = choose.weighted<FaultRequest>(...kindsFor(host.iommu.type));
  const error = choose.among<FaultError>(FAULT_ERRORS);
  const answer: FaultSpec['answer'] = choose.chance(NEVER_SHARE) ? 'never' : error;
  const address = choose.among(addressesOf(scenario));
  const device = devices.length === 0 ? undefined : choose.among(devices).id;
  const nth = choose.integer(1, MOST_REQUESTS);
  const names = choose.weighted([2, 'address'], [1, 'number'], [1, 'both']);
  const base = { request, answer };
  if (REQUESTS_WITH_DEVICE.includes(request)) return device === undefined ? base : { ...base, device };
  if (request === 'create-ioas') return base;
  if (request === 'memslot') return { ...base, at: address };
  return {
    ...base,
    ...(names !== 'number' && { at: address }),
    ...(names !== 'address' && { nth: names === 'both' ? 1 + (nth % 3) : nth }),
  };
}

/** The addresses to which the guest moves BARs, and one of RAM. */
const addressesOf = ({ machine, operations }: Scenario): readonly bigint[] => [
  RAM_START[machine.type],
  ...operations.flatMap((operation) => (operation.op === 'set-bar' ? [operation.address] : [])),
];
