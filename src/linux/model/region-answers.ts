import { offset } from '../../address/index.ts';
import { REGION_INFO, regionInfoFields } from '../../host/abi/index.ts';
import {
  kernelRules,
  mmapBar,
  regionInfo,
  type RegionCapability,
  type VfioPciBar,
} from '../../host/index.ts';
import { BAR_COUNT } from '../../pci-layout/index.ts';
import type { CallAnswer, CallNamed, CapabilityForm, HostCall } from '../session/host-call.ts';
import type { SessionBar, SessionOn } from '../session/host-session.ts';
import { hasPageToItself } from '../session/sub-page-bars.ts';
import { answered, notModelled, type Answering } from './answering.ts';

/**
 * In bytes. User space of every architecture holds an mmap of this length. For a longer one the kernel may return
 * ENOMEM before it asks vfio-pci.
 */
const LONGEST_MMAP = 1n << 46n;

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

  const info = ({ index, argsz }: CallNamed<'region-info'>): CallAnswer => {
    if (index >= BAR_COUNT) return notModelled('regions that are no BAR');
    if (argsz !== undefined && argsz < REGION_INFO.bytes) return notModelled('an argsz that is too short');
    if (isUndecided(index)) return notModelled('a BAR below the page size whose address is not known');
    return answered(0, fieldsOf(region(index), argsz ?? REGION_INFO.bytes));
  };

  const mmap = ({ bar, offset: start, size, shared }: CallNamed<'mmap'>): CallAnswer => {
    if (!shared) return notModelled('private mappings (host fact V2)');
    if (size > LONGEST_MMAP) return notModelled('a length above the address space of a process');
    if (isUndecided(bar)) return notModelled('a BAR below the page size whose address is not known');
    return answered(mmapBar(region(bar), offset(start), size));
  };

  return (call: HostCall): CallAnswer => {
    if (call.call === 'region-info') return info(call);
    return call.call === 'mmap' ? mmap(call) : notModelled('writes to configuration space');
  };
}

/** Whether vfio-pci allows the mmap of a BAR. Linux vfio_pci_core.c:vfio_pci_probe_mmaps (host fact 4.2). */
const mayBeMmapped = (bar: SessionBar, pageSize: bigint): boolean =>
  bar.size >= pageSize || hasPageToItself(bar, pageSize) === true;

/** The answer's fields by their names in a session. */
function fieldsOf(region: VfioPciBar, argsz: number) {
  const info = regionInfo(region);
  const {
    argsz: argszOut,
    flags,
    size,
    offset: start,
    cap_offset,
  } = regionInfoFields(info, region.index, argsz);
  const caps = cap_offset === 0 ? [] : info.capabilities.map(capabilityForm);
  return { argszOut, infoFlags: flags, size, offset: start, capOffset: cap_offset, caps };
}

const capabilityForm = (capability: RegionCapability): CapabilityForm =>
  capability.id === 1
    ? { sparse: capability.areas.map(({ offset: at, size }) => [at, size] as const) }
    : { 'msix-mappable': 1 };
