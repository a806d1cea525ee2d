import {
  END_OF_SPACE,
  alignUp,
  gpa,
  hostAddress,
  offset,
  type Offset,
  type Range,
} from '../address/index.ts';
import { KvmMemslots, kernelRules } from '../host/index.ts';
import { MemoryRegion, MemoryTopology, regionOfType, type MtreeType } from '../memory/index.ts';
import { lastGuestAddress, type Scenario } from '../scenario/index.ts';
import {
  DeviceRefused,
  MemslotListener,
  VfioContainer,
  type Revision,
  type VmmEvent,
} from '../vfio/index.ts';
import { makeHostIommu } from './host-iommu.ts';
import { KVM_ARCHITECTURE_OF } from './kvm-architecture-of.ts';
import { TARGET_PAGE_SIZE } from '../machine/index.ts';

/** A range of a flat view, as `info mtree -f` prints it. */
export interface ViewRange extends Range {
  readonly name: string;
  readonly type: MtreeType;
  /** Where in its region the range begins. */
  readonly offset: Offset;
}

/** What the listeners of QEMU asked of a host, and what the host answered. */
export interface ViewOnHost {
  readonly events: readonly VmmEvent[];
  /** QEMU's message where the host refuses RAM: QEMU does not start then. */
  readonly refusal: string | undefined;
}

/** The distance of host addresses that no alignment of a mapping exceeds. */
const GIB = 1n << 30n;
const FIRST_HOST_ADDRESS = 0x7000_0000_0000n;

/**
 * Shows a flat view to QEMU's DMA listener and KVM listener: what VFIO would map and skip on a host, and what KVM
 * would get. Each region lies in the VMM at an address that is aligned as well as possible.
 *
 * @param ranges sorted and disjoint.
 */
export function mapViewOnHost(
  ranges: readonly ViewRange[],
  scenario: Pick<Scenario, 'machine' | 'host' | 'devices'>,
  revision: Revision,
): ViewOnHost {
  const { machine, host } = scenario;
  const topology = new MemoryTopology(revision.memory);
  const root = MemoryRegion.container('memory', END_OF_SPACE);
  topology.addSubregions(root, placedRanges(ranges));
  const memory = topology.createAddressSpace('memory', root);
  const events: VmmEvent[] = [];
  const emit = (event: VmmEvent): void => void events.push(event);
  const kvm = new KvmMemslots({
    hostPageSize: machine.hostPageSize,
    architecture: KVM_ARCHITECTURE_OF[machine.type],
    kernel: kernelRules(host.kernel),
    lastGpa: gpa(lastGuestAddress(scenario)),
  });
  topology.registerListener(
    new MemslotListener({
      rules: revision.memslots,
      kvm,
      pages: { host: machine.hostPageSize, target: TARGET_PAGE_SIZE },
      readonlySlots: machine.type !== 'pseries',
      refusalIsFatal: false,
      emit,
    }),
    memory,
  );
  try {
    void new VfioContainer({
      name: 'container',
      revision,
      iommuType: host.iommu.type,
      iommu: makeHostIommu(scenario, revision.host),
      topology,
      dmaSpace: memory,
      memory,
      hostPageSize: machine.hostPageSize,
      targetPageSize: TARGET_PAGE_SIZE,
      emit,
      detached: true,
    });
  } catch (error) {
    if (!(error instanceof DeviceRefused)) throw error;
    return { events, refusal: error.message };
  }
  return { events, refusal: undefined };
}

/** An alias for each range, so that a region shows the parts that the view has and no others. */
function placedRanges(
  ranges: readonly ViewRange[],
): readonly { region: MemoryRegion; address: Offset; priority: number }[] {
  const sizes = new Map<string, bigint>();
  for (const range of ranges) {
    const key = keyOf(range);
    const end = range.offset + (range.end - range.start);
    if (end > (sizes.get(key) ?? 0n)) sizes.set(key, end);
  }
  const regions = new Map<string, MemoryRegion>();
  let next = FIRST_HOST_ADDRESS;
  return ranges.map((range) => {
    const key = keyOf(range);
    let region = regions.get(key);
    if (region === undefined) {
      const size = sizes.get(key)!;
      region = regionOf(range, size > END_OF_SPACE ? END_OF_SPACE : size, next);
      regions.set(key, region);
      // Only memory takes addresses of the VMM.
      if (region.isRam || region.kind === 'rom-device') next = alignUp(next + size, GIB);
    }
    const alias = MemoryRegion.alias(range.name, region, range.offset, range.end - range.start);
    return { region: alias, address: offset(range.start), priority: 0 };
  });
}

const keyOf = ({ name, type }: ViewRange): string => `${type} ${name}`;

/** A region of the range's type. QEMU 11 prints an I/O region that lies in no container as `container`. */
const regionOf = ({ name, type }: ViewRange, size: bigint, at: bigint): MemoryRegion =>
  regionOfType(type === 'container' ? 'i/o' : type, name, size, {
    hostAddress: hostAddress(at),
    ...(type === 'ramd' && { owner: name }),
  });
