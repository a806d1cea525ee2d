import type { RangeAttributes, MemoryRegion } from '../memory/index.ts';
import {
  ViewChange,
  compareStates,
  type BarRegister,
  type StateChange,
  type ContainerState,
  type DeviceState,
  type State,
  type TraceNode,
} from '../trace/index.ts';
import type { ModelledDevice, ModelledVmm } from './modelled-vmm.ts';

/**
 * The state of the VMM now. Parts that have not changed since `previous` are the same objects, and so is the
 * whole state: callers find changes by comparing objects.
 */
export function snapshotState(vmm: ModelledVmm, previous: State | undefined): State {
  const { machine, kvm, topology } = vmm;
  // In an open transaction neither the flat views nor the listeners see the changes.
  if (previous !== undefined && topology.inTransaction) return previous;
  const flatView = machine.memory.view.ranges;
  const dmaView = machine.bus.dmaSpace.view.ranges;
  const containers = snapshotContainers(vmm, previous?.containers);
  const memslots = kvm.slots();
  const devices = snapshotDevices(vmm, previous?.devices);
  const { plugged } = vmm;
  const unchanged =
    previous !== undefined &&
    previous.flatView === flatView &&
    previous.dmaView === dmaView &&
    previous.containers === containers &&
    previous.memslots === memslots &&
    previous.devices === devices &&
    previous.plugged === plugged;
  if (unchanged) return previous;
  return { flatView, dmaView, containers, memslots, devices, ...(plugged && { plugged }) };
}

/**
 * How `after`, the state of the VMM now, differs from `before`. The address spaces know where their views have changed
 * since the last call; the lists are short and are compared.
 */
export function takeChange({ machine }: ModelledVmm, before: State | undefined, after: State): StateChange {
  const { memory, bus } = machine;
  const memoryChange = memory.changed.take();
  const dmaChange = bus.dmaSpace === memory ? memoryChange : bus.dmaSpace.changed.take();
  if (before === undefined) return compareStates(before, after);
  return compareStates(before, after, {
    flatView: new ViewChange(after.flatView, memoryChange),
    dmaView: new ViewChange(after.dmaView, dmaChange),
  });
}

function snapshotContainers(
  { containers }: ModelledVmm,
  previous: readonly ContainerState[] | undefined,
): readonly ContainerState[] {
  const unchanged =
    previous?.length === containers.length &&
    containers.every(({ iommu }, index) => iommu.mappings() === previous[index]!.mappings);
  return unchanged ? previous : containers.map(({ name, iommu }) => ({ name, mappings: iommu.mappings() }));
}

function snapshotDevices(
  { devices }: ModelledVmm,
  previous: readonly DeviceState[] | undefined,
): readonly DeviceState[] {
  const unchanged =
    previous?.length === devices.length &&
    devices.every((device, index) => isAsBefore(device, previous[index]!));
  if (unchanged) return previous;
  return devices.map((device) => {
    const before = previous?.find(({ id }) => id === device.id);
    return before !== undefined && isAsBefore(device, before) ? before : snapshotDevice(device);
  });
}

function isAsBefore(
  { id, pci, msixState, resized }: ModelledDevice,
  { id: previousId, bars, msix }: DeviceState,
): boolean {
  return (
    id === previousId &&
    msixState?.enabled === msix?.enabled &&
    msixState?.functionMasked === msix?.functionMasked &&
    bars.every(
      ({ index, address, resizedTo }, position) =>
        pci.bars[position]!.address === address && resized?.get(index) === resizedTo,
    )
  );
}

function snapshotDevice({
  id,
  pci,
  msixLayout,
  msixState,
  emulatedTable,
  emulatedPba,
  layers,
  resized,
}: ModelledDevice): DeviceState {
  return {
    id,
    bars: pci.bars.map(({ index, attributes, size, address }) => ({
      index,
      type: attributes.type,
      prefetchable: attributes.prefetchable,
      size,
      address,
      ...(resized?.has(index) === true && { resizedTo: resized.get(index)! }),
      layers: layers[index]!,
    })),
    msix: msixLayout &&
      msixState && {
        layout: msixLayout,
        enabled: msixState.enabled,
        functionMasked: msixState.functionMasked,
        emulatedAt: emulatedTable,
        ...(emulatedPba && { pbaAt: emulatedPba }),
      },
  };
}

/** The registers of all BARs. */
export function snapshotBarRegisters(devices: readonly ModelledDevice[]): readonly BarRegister[] {
  const registers: BarRegister[] = [];
  for (const { id, barRegisters = [] } of devices) {
    for (const register of barRegisters) registers.push({ device: id, ...register });
  }
  return registers;
}

const hasAttributes = ({ readonly, nonvolatile, unmergeable }: MemoryRegion): boolean =>
  readonly || nonvolatile || unmergeable;

const attributesOf = ({ readonly, nonvolatile, unmergeable }: MemoryRegion): RangeAttributes => ({
  readonly,
  nonvolatile,
  unmergeable,
});

/** The children of every node without children, shared to save memory. */
const LEAF: TraceNode[] = [];

/** The region tree below `root` as it is now. */
export function snapshotTree(root: MemoryRegion): TraceNode {
  const nodes = new Map<MemoryRegion, TraceNode>();
  const visit = (region: MemoryRegion): TraceNode => {
    const shared = region.aliasedBy.length > 0 ? nodes.get(region) : undefined;
    if (shared !== undefined) return shared;
    const { address, end, size, priority, enabled, terminates, subregions } = region;
    const children: TraceNode[] = subregions.length === 0 ? LEAF : [];
    const alias = undefined as TraceNode['alias'];
    const node = {
      region,
      address,
      end,
      size,
      priority,
      enabled,
      terminates,
      ...(hasAttributes(region) && { attributes: attributesOf(region) }),
      ...(!region.romdMode && { romdMode: false as const }),
      children,
      alias,
    };
    if (region.aliasedBy.length > 0) nodes.set(region, node);
    for (const child of subregions) children.push(visit(child));
    if (region.alias !== undefined) {
      node.alias = { node: visit(region.alias.region), offset: region.alias.offset };
    }
    return node;
  };
  return visit(root);
}
