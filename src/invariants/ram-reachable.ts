import { alignDown, alignUp, greater, isAligned, type Range } from '../address/index.ts';
import {
  type ContainerState,
  type State,
  type Trace,
  type TraceRange,
  endOfMapping,
  firstMappingAbove,
} from '../trace/index.ts';
import { isCloudHypervisor } from '../scenario/index.ts';
import { rangeFrom, regionName, span, spanOf } from './describe.ts';
import { HostBases, SameBases } from './host-bases.ts';
import type { Examination, Invariant } from './invariant.ts';
import { pluggedParts } from './plugged-parts.ts';
import { UnmappedReasons } from './unmapped-reasons.ts';
import { unregisteredRam } from './unregistered-ram.ts';

/** A device can reach the guest's RAM by DMA: a skipped page is as wrong as a page too many. */
export const ramReachable: Invariant = {
  id: 'ram-reachable',
  clause:
    'every RAM page of the flat view that is aligned to the host page and the IOMMU page is DMA-mapped, with the ' +
    'right backing and permission, or on POWER registered so that the guest can map it; the VMM says of which device ' +
    'memory it maps nothing, and why, and what it says is true; if it maps device memory, it leaves out no whole pages that ' +
    'the host would map',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_listener_skipped_section, vfio_container_region_add',
  start(trace, examination) {
    const { host, iommu } = trace.pages;
    const page = greater(host, iommu);
    const sendsAddresses = trace.scenario.host.iommu.type !== 'vfio-user';
    const bases = new SameBases();
    const reasons = saysWhy(trace) ? new UnmappedReasons(trace, examination) : undefined;
    return {
      event: (event) => reasons?.note(event),
      step(change, state) {
        reasons?.judge(change.remapped, state);
        const { memslots, containers, remapped } = change;
        checkContainer(state, examination);
        if (sendsAddresses) {
          bases.follow(memslots);
          for (const container of containers) bases.follow(container);
          if (bases.differ) checkBases(state, examination);
        }
        for (const range of remapped) {
          if (range.region.kind === 'ram' && range.region.isProtected !== true)
            checkRange(range, state, page, examination);
        }
      },
      end() {
        const unregistered = unregisteredRam(trace);
        if (unregistered === undefined) return;
        examination.violate(
          'not-registered',
          () =>
            `RAM at ${span(unregistered)} is not registered, so the kernel refuses to map it for the guest`,
          unregistered,
        );
      },
    };
  },
};

/** Whether the VMM has a listener that says what it skips; cloud-hypervisor maps its areas one by one. */
const saysWhy = (trace: Trace): boolean => trace.hidesSkips !== true && !isCloudHypervisor(trace);

/** A device that no container holds reaches no memory at all. */
function checkContainer({ devices, containers }: State, examination: Examination): void {
  const [device] = devices;
  if (device === undefined || containers.length > 0) return;
  examination.violate('no-container', () => `${device.id} is plugged in, and no VFIO container is open`);
}

/** Checks that each container maps the whole pages of the range. */
function checkRange(
  range: TraceRange,
  { containers, plugged }: State,
  page: bigint,
  examination: Examination,
): void {
  // Only a range whose address and offset agree modulo the page has whole pages of its region.
  if (!isAligned(range.start - range.offset, page)) return;
  for (const part of pluggedParts(range, plugged)) checkPart(range, part, containers, page, examination);
}

/** Checks that each container maps the whole pages of a part of the range. */
function checkPart(
  range: TraceRange,
  part: Range,
  containers: readonly ContainerState[],
  page: bigint,
  examination: Examination,
): void {
  const start = alignUp(part.start, page);
  const end = alignDown<bigint>(part.end, page);
  if (start >= end) return;
  for (const container of containers) {
    examination.exercised++;
    const missing = firstMissing(container, range, start, end);
    if (missing !== undefined) reportMissing(missing, range, page, examination);
  }
}

const reportMissing = (
  { cause, address, text }: Missing,
  { region }: TraceRange,
  page: bigint,
  examination: Examination,
): void =>
  examination.violate(
    cause,
    () => `RAM ${regionName(region)} at ${spanOf(address, page)} ${text}`,
    rangeFrom(address, page),
  );

interface Missing {
  readonly cause: string;
  readonly address: bigint;
  readonly text: string;
}

/** The first address in `[start, end)` that the container does not map to the memory of the range. */
function firstMissing(
  { name, mappings }: ContainerState,
  range: TraceRange,
  start: bigint,
  end: bigint,
): Missing | undefined {
  let address = start;
  for (let index = firstMappingAbove(mappings, address); address < end; index++) {
    const mapping = mappings[index];
    if (mapping === undefined || mapping.iova > address) {
      const cause = range.region.discards === undefined ? 'not-mapped' : 'plugged-not-mapped';
      return { cause, address, text: `is not DMA-mapped in ${name}` };
    }
    const { backing } = mapping;
    const offset = range.offset + (address - range.start);
    if (
      backing.region !== range.region.name ||
      backing.owner !== range.region.owner ||
      backing.offset + (address - mapping.iova) !== offset
    ) {
      return { cause: 'wrong-backing', address, text: `is DMA-mapped to other memory in ${name}` };
    }
    if (mapping.readonly !== range.readonly) {
      return {
        cause: 'wrong-permission',
        address,
        text: `is DMA-mapped ${mapping.readonly ? 'read-only' : 'writable'} in ${name}, unlike the flat view`,
      };
    }
    address = endOfMapping(mapping);
  }
  return undefined;
}

/** Devices and CPUs reach the same bytes: memslots and mappings agree on the host address of each region. */
function checkBases({ memslots, containers }: State, examination: Examination): void {
  const bases = new HostBases();
  for (const slot of memslots) bases.agrees(slot);
  for (const { name, mappings } of containers) {
    for (const { iova, size, backing, hostAddress } of mappings) {
      if (bases.agrees({ backing, hostAddress })) continue;
      examination.violate(
        'wrong-backing',
        () =>
          `${name} maps ${spanOf(iova, size)} of "${backing.region}" to another host address than the rest of the region`,
        rangeFrom(iova, size),
      );
    }
  }
}
