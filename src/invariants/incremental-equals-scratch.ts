import { END_OF_SPACE, hex } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import {
  sameMapping,
  type BarRegister,
  type BarState,
  type ContainerState,
  type Trace,
} from '../trace/index.ts';
import { spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';

/** How the state was reached does not matter. */
export const incrementalEqualsScratch: Invariant = {
  id: 'incremental-equals-scratch',
  clause:
    'listener state after a sequence of changes equals the state of a listener registered at the end, and ' +
    'a BAR is where its registers say, however they came to say it',
  severity: 'error',
  site: 'system/memory.c: address_space_update_topology_pass; hw/vfio/listener.c',
  check(trace, examination) {
    checkBars(trace, examination);
    const last = trace.steps.at(-1);
    if (trace.scratch === undefined || last === undefined) return;
    for (const scratch of trace.scratch) {
      const grown = last.state.containers.find(({ name }) => name === scratch.name);
      if (grown === undefined) continue;
      examination.exercised++;
      // Where mappings are limited it is the order of arrival that decides who gets one.
      const suffix = ranOutOfMappings(trace, grown.name) ? '-at-limit' : '';
      const step = trace.steps.length - 1;
      const extra = firstWithout(grown, scratch);
      const lacking = firstWithout(scratch, grown);
      if (extra !== undefined) {
        examination.violate(
          `extra-mapping${suffix}`,
          step,
          () => `${grown.name} has ${extra}, which a new listener would not map`,
        );
      }
      if (lacking !== undefined) {
        examination.violate(
          `lacking-mapping${suffix}`,
          step,
          () => `${grown.name} lacks ${lacking}, which a new listener would map`,
        );
      }
    }
  },
};

/** The first mapping of `one` that `other` does not have. */
function firstWithout(one: ContainerState, other: ContainerState): string | undefined {
  const byAddress = new Map(other.mappings.map((mapping) => [mapping.iova as bigint, mapping]));
  const lone = one.mappings.find((mapping) => {
    const match = byAddress.get(mapping.iova);
    return match === undefined || !sameMapping(mapping, match);
  });
  return lone && `${spanOf(lone.iova, lone.size)} "${lone.backing.region}"`;
}

function ranOutOfMappings(trace: Trace, container: string): boolean {
  if (trace.scenario.host.iommu.maxMappings === undefined) return false;
  let ranOut = false;
  forEachEvent(trace, (event) => {
    if (event.type === 'dma-map' && event.container === container && event.errno === Errno.ENOSPC)
      ranOut = true;
  });
  return ranOut;
}

/** Compares every BAR with its registers, by the rules of PCI and not by those of the VMM. */
function checkBars(trace: Trace, examination: Examination): void {
  const devices = trace.steps.at(-1)?.state.devices ?? [];
  for (const register of trace.barRegisters ?? []) {
    const device = devices.find(({ id }) => id === register.device);
    const bar = device?.bars.find(({ index }) => index === register.bar);
    if (bar === undefined) continue;
    examination.exercised++;
    if (isWhereItShouldBe(bar, register)) continue;
    const says = register.decoding ? `says ${hex(register.address)}` : 'is not enabled';
    examination.violate(
      'bar-misplaced',
      trace.steps.length - 1,
      () =>
        `BAR ${bar.index} of ${register.device} ${says}, but the VMM has it ` +
        (bar.address === undefined ? 'nowhere' : `at ${hex(bar.address)}`),
    );
  }
}

const END_OF_32_BITS = 1n << 32n;

/**
 * VMMs leave out BARs at 0 and at the end of their space (pci fact 4.1); everything else they have to place.
 */
function isWhereItShouldBe({ type, size, address }: BarState, register: BarRegister): boolean {
  if (!register.decoding) return address === undefined;
  if (address !== undefined) return address === register.address;
  const limit = type === 'mem64' ? END_OF_SPACE : END_OF_32_BITS;
  return register.address === 0n || register.address + size >= limit || size === 1n;
}
