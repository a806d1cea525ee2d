import { END_OF_SPACE, hex } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import { barText, isCloudHypervisor, type MachineType } from '../scenario/index.ts';
import {
  sameMapping,
  type BarRegister,
  type BarState,
  type ContainerState,
  type Trace,
  type TraceMapping,
} from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import { FaultyRanges } from './faulty-ranges.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The DMA mappings and the places of BARs depend on the final memory map and registers, not on the way there. */
export const incrementalEqualsScratch: Invariant = {
  id: 'incremental-equals-scratch',
  clause:
    'the DMA mappings after a sequence of changes equal those of a listener registered at the end, and ' +
    'every BAR is mapped at the address in its register',
  severity: 'error',
  site: 'system/memory.c: address_space_update_topology_pass; hw/vfio/listener.c',
  start: (trace, examination) => ({
    end() {
      checkBars(trace, examination);
      const last = trace.steps.at(-1);
      if (trace.scratch === undefined || last === undefined) return;
      for (const scratch of trace.scratch) {
        const grown = last.state.containers.find(({ name }) => name === scratch.name);
        if (grown === undefined) continue;
        examination.exercised++;
        checkMappings(grown, scratch, trace, examination);
      }
    },
  }),
};

/** Compares the mappings that a container has with those of a listener that was registered at the end. */
function checkMappings(
  grown: ContainerState,
  scratch: ContainerState,
  trace: Trace,
  examination: Examination,
): void {
  if (haveSameMappings(grown, scratch)) return;
  // At the limit of mappings the order of requests decides which of them the host grants.
  const suffix = ranOutOfMappings(trace, grown.name) ? '-at-limit' : '';
  const faulty = FaultyRanges.in(trace.steps.flatMap(({ events }) => events));
  // A map that a fault has refused leaves its place at the limit to another one.
  if (trace.scenario.host.iommu.maxMappings !== undefined && faulty.refusesAny(grown.name)) return;
  const isFaulty = ({ iova, size }: TraceMapping): boolean => {
    const range = rangeFrom(iova, size);
    return faulty.keeps(grown.name, range) || faulty.refuses(grown.name, range);
  };
  const extra = firstWithout(grown, scratch, isFaulty);
  const lacking = firstWithout(scratch, grown, isFaulty);
  if (extra !== undefined) {
    examination.violate(
      `extra-mapping${suffix}`,
      () => `${grown.name} has ${mappingText(extra)}, which a new listener would not map`,
      rangeFrom(extra.iova, extra.size),
    );
  }
  if (lacking !== undefined) {
    examination.violate(
      `lacking-mapping${suffix}`,
      () => `${grown.name} lacks ${mappingText(lacking)}, which a new listener would map`,
      rangeFrom(lacking.iova, lacking.size),
    );
  }
}

const haveSameMappings = (
  { mappings: ours }: ContainerState,
  { mappings: theirs }: ContainerState,
): boolean =>
  ours.length === theirs.length && ours.every((mapping, index) => sameMapping(mapping, theirs[index]!));

/** The first mapping of `one` that `other` does not have, and of which the host does not explain that. */
function firstWithout(
  one: ContainerState,
  other: ContainerState,
  isFaulty: (mapping: TraceMapping) => boolean,
): TraceMapping | undefined {
  const byAddress = new Map(other.mappings.map((mapping) => [mapping.iova as bigint, mapping]));
  return one.mappings.find((mapping) => {
    const match = byAddress.get(mapping.iova);
    return (match === undefined || !sameMapping(mapping, match)) && !isFaulty(mapping);
  });
}

const mappingText = ({ iova, size, backing }: TraceMapping): string =>
  `${spanOf(iova, size)} "${backing.region}"`;

/** Whether the host refused a mapping of the container because of its limit. */
function ranOutOfMappings(trace: Trace, container: string): boolean {
  if (trace.scenario.host.iommu.maxMappings === undefined) return false;
  return [...trace.steps, trace.teardown].some((part) =>
    part?.events.some(
      (event) => event.type === 'dma-map' && event.container === container && event.errno === Errno.ENOSPC,
    ),
  );
}

/** Compares every BAR with its register, by the rules of PCI and not by those of the VMM. */
function checkBars(trace: Trace, examination: Examination): void {
  const devices = trace.steps.at(-1)?.state.devices ?? [];
  for (const register of trace.barRegisters ?? []) {
    const device = devices.find(({ id }) => id === register.device);
    const bar = device?.bars.find(({ index }) => index === register.bar);
    if (bar === undefined) continue;
    examination.exercised++;
    if (isWhereItShouldBe(bar, register, trace)) continue;
    if (register.hasPower === false) {
      examination.violate(
        'bar-mapped-outside-d0',
        () =>
          `${barText(bar.index, register.device)} is mapped at ${hex(bar.address!)} in a power state without memory`,
      );
      continue;
    }
    const registered = register.decoding
      ? `has ${hex(register.address)} in its register`
      : `is disabled ${register.enabled === false ? 'in its register' : 'in the COMMAND register'}`;
    const mapped = bar.address === undefined ? 'does not map it' : `maps it at ${hex(bar.address)}`;
    examination.violate(
      'bar-misplaced',
      () => `${barText(bar.index, register.device)} ${registered}, but the VMM ${mapped}`,
    );
  }
}

const END_OF_32_BITS = 1n << 32n;

/** The machines whose guests may put a BAR at address 0 (pci fact 4.1). */
const WITH_ADDRESS_ZERO: readonly MachineType[] = ['virt', 'pseries'];

/**
 * Whether a BAR is mapped at the address in its register. On most machines a BAR at address 0 answers nowhere: there it
 * has no address yet. A VMM may leave a BAR at the end of its space unmapped (pci fact 4.1), and a BAR of one byte.
 */
function isWhereItShouldBe({ type, size, address }: BarState, register: BarRegister, trace: Trace): boolean {
  if (!register.decoding || register.hasPower === false) return address === undefined;
  const hasNoPlace = register.address === 0n && !WITH_ADDRESS_ZERO.includes(trace.scenario.machine.type);
  // cloud-hypervisor places BARs itself, and has no rule about address 0.
  if (hasNoPlace) return address === undefined || (address === 0n && isCloudHypervisor(trace));
  if (address !== undefined) return address === register.address;
  const limit = type === 'mem64' ? END_OF_SPACE : END_OF_32_BITS;
  return register.address + size >= limit || size === 1n;
}
