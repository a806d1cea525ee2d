import { offset } from '../../address/index.ts';
import { REGION_INFO, REGION_INFO_FLAGS, regionCapabilityBytes } from '../../host/abi/index.ts';
import {
  kernelRules,
  mmapBar,
  regionInfo,
  type RegionCapability,
  type VfioPciBar,
} from '../../host/index.ts';
import { BAR_COUNT } from '../../pci-layout/index.ts';
import type { Answer, CallNamed, CapabilityForm, HostCall } from '../session/host-call.ts';
import type { SessionBar, SessionOn } from '../session/host-session.ts';
import { hasPageToItself } from '../session/sub-page-bars.ts';
import { answered, notModelled, type Answering } from './answering.ts';

/** Every architecture has this much user space in one piece. */
const LONGEST_MMAP = 1n << 46n;
/** Region i begins at offset `i << 40` of the device's file (host fact 4.1). */
const REGION_SHIFT = 40n;
/** Answers VFIO_DEVICE_GET_REGION_INFO and mmap of the device's file from the rules of vfio-pci. */
export function regionAnswering(session: SessionOn<'region'>): Answering {
  const { device, pageSize } = session;
  const { msixMmap } = kernelRules(session.kernel);

  const region = (index: number): VfioPciBar => {
    const bar = device.bars.find((one) => one.index === index);
    const { msix } = device;
    return {
      index,
      bar: {
        size: bar?.size ?? 0n,
        io: bar?.type === 'io',
        mmappable: bar !== undefined && mayBeMmapped(bar, pageSize),
      },
      msix: msix && {
        vectors: msix.vectors,
        tableBar: msix.table.bir,
        tableOffset: offset(msix.table.offset),
      },
      kernel: msixMmap,
      hostPageSize: pageSize,
    };
  };

  const isUndecided = (index: number): boolean => {
    const bar = device.bars.find((one) => one.index === index);
    return bar !== undefined && bar.type !== 'io' && bar.size < pageSize && bar.start === undefined;
  };

  const info = ({ index, argsz }: CallNamed<'region-info'>): Answer => {
    if (index >= BAR_COUNT) return notModelled('regions that are no BAR');
    if (argsz !== undefined && argsz < REGION_INFO.bytes) return notModelled('an argsz that is too short');
    if (isUndecided(index)) return notModelled('a BAR below the page size whose address is not known');
    return answered(0, regionInfoFields(region(index), argsz ?? REGION_INFO.bytes));
  };

  const mmap = ({ bar, offset: start, size, shared }: CallNamed<'mmap'>): Answer => {
    if (!shared) return notModelled('private mappings (host fact V2)');
    // Longer than what is free in the process: the kernel answers ENOMEM before it asks vfio-pci.
    if (size > LONGEST_MMAP) return notModelled('a length that the address space of a process does not hold');
    if (isUndecided(bar)) return notModelled('a BAR below the page size whose address is not known');
    return answered(mmapBar(region(bar), offset(start), size));
  };

  return (call: HostCall): Answer => {
    if (call.call === 'region-info') return info(call);
    return call.call === 'mmap' ? mmap(call) : notModelled('writes to configuration space');
  };
}

/** Linux vfio_pci_core.c:vfio_pci_probe_mmaps (host fact 4.2). */
const mayBeMmapped = (bar: SessionBar, pageSize: bigint): boolean =>
  bar.size >= pageSize || hasPageToItself(bar, pageSize) === true;

/** What the structure holds when it comes back. Linux vfio_pci_core.c:vfio_pci_ioctl_get_region_info. */
function regionInfoFields(region: VfioPciBar, argsz: number) {
  const { size, flags, capabilities } = regionInfo(region);
  const { READ, WRITE, MMAP, CAPS } = REGION_INFO_FLAGS;
  const needed = REGION_INFO.bytes + regionCapabilityBytes(capabilities);
  const fits = capabilities.length > 0 && argsz >= needed;
  return {
    // Without room for the capabilities the kernel only tells how much it needs (host fact 4.3).
    argszOut: Math.max(argsz, needed),
    infoFlags:
      (flags.read ? READ : 0) |
      (flags.write ? WRITE : 0) |
      (flags.mmap ? MMAP : 0) |
      (capabilities.length > 0 ? CAPS : 0),
    size,
    offset: BigInt(region.index) << REGION_SHIFT,
    capOffset: fits ? REGION_INFO.bytes : 0,
    caps: fits ? capabilities.map(capabilityForm) : [],
  };
}

const capabilityForm = (capability: RegionCapability): CapabilityForm =>
  capability.id === 1
    ? { sparse: capability.areas.map(({ offset: at, size }) => [at, size] as const) }
    : { 'msix-mappable': 1 };
