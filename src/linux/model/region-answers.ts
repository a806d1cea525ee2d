import { alignUp, isAligned, offset } from '../../address/index.ts';
import { REGION_INFO, REGION_SHIFT, regionInfoFields } from '../../host/abi/index.ts';
import {
  Errno,
  kernelRules,
  mmapBar,
  otherRegionInfo,
  regionInfo,
  userSpaceOf,
  type RegionCapability,
  type RegionInfo,
  type VfioPciBar,
} from '../../host/index.ts';
import { BAR_COUNT } from '../../pci-layout/index.ts';
import type { CallAnswer, CallNamed, CapabilityForm, HostCall } from '../session/host-call.ts';
import { KVM_ARCHITECTURE, type SessionBar, type SessionOn } from '../session/host-session.ts';
import { hasPageToItself } from '../session/sub-page-bars.ts';
import { answerDecode, answered, notModelled, type Answering } from './answering.ts';

const PROT_WRITE = 2;
/** In bytes: the memory of the hosts on which sessions were recorded, and of those that barproof boots. */
const HOST_MEMORY = 1n << 30n;

/** Answers VFIO_DEVICE_GET_REGION_INFO and mmap of the device's file from the rules of vfio-pci. */
export function regionAnswering(session: SessionOn<'region'>): Answering {
  const { device, pageSize } = session;
  const { msixMmap } = kernelRules(session.kernel);
  const { endOfMmaps } = userSpaceOf(KVM_ARCHITECTURE[session.arch], pageSize);

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

  const info = ({ index, argsz = REGION_INFO.bytes }: CallNamed<'region-info'>): CallAnswer => {
    // host fact R4.3.1
    if (argsz < REGION_INFO.bytes) return answered(Errno.EINVAL);
    if (index >= BAR_COUNT) {
      const other = otherRegionInfo(index, device.otherRegions);
      return typeof other === 'number' ? answered(other) : answered(0, fieldsOf(other, index, argsz));
    }
    if (isUndecided(index)) return notModelled('a BAR below the page size whose address is not known');
    return answered(0, fieldsOf(regionInfo(region(index)), index, argsz));
  };

  const mmap = ({ bar, offset: given, size, prot, shared }: CallNamed<'mmap'>): CallAnswer => {
    // host fact 4.1: a large offset reaches into another region.
    const inFile = BigInt.asUintN(64, (BigInt(bar) << REGION_SHIFT) | given);
    const index = Number(inFile >> REGION_SHIFT);
    const start = BigInt.asUintN(Number(REGION_SHIFT), inFile);
    const length = alignUp(size, pageSize);
    const passesFirstTests = size > 0n && isAligned(start, pageSize);
    // host fact R4.5.6: the mmap system call itself looks for room, before vfio-pci is asked.
    if (passesFirstTests && length >= endOfMmaps) return answered(Errno.ENOMEM);
    // So does it for memory, because a private copy may be written.
    if (passesFirstTests && !shared && (prot & PROT_WRITE) !== 0 && length >= HOST_MEMORY)
      return answered(Errno.ENOMEM);
    if (passesFirstTests && length > endOfMmaps / 2n)
      return notModelled('a length of more than half of user space, which may have no such hole');
    if (isUndecided(index)) return notModelled('a BAR below the page size whose address is not known');
    // host fact V2
    return answered(shared ? mmapBar(region(index), offset(start), size) : Errno.EINVAL);
  };

  return (call: HostCall): CallAnswer => {
    if (call.call === 'region-info') return info(call);
    if (call.call === 'mmap') return mmap(call);
    // Neither the regions nor their mmaps depend on the memory decode.
    return call.call === 'decode' ? answerDecode(device) : notModelled(call.call);
  };
}

/** Whether vfio-pci allows the mmap of a BAR. Linux vfio_pci_core.c:vfio_pci_probe_mmaps (host fact 4.2). */
const mayBeMmapped = (bar: SessionBar, pageSize: bigint): boolean =>
  bar.size >= pageSize || hasPageToItself(bar, pageSize) === true;

/** The answer's fields by their names in a session. */
function fieldsOf(info: RegionInfo, index: number, argsz: number) {
  const { argsz: argszOut, flags, size, offset: start, cap_offset } = regionInfoFields(info, index, argsz);
  const caps = cap_offset === 0 ? [] : info.capabilities.map(capabilityForm);
  return { argszOut, infoFlags: flags, size, offset: start, capOffset: cap_offset, caps };
}

const capabilityForm = (capability: RegionCapability): CapabilityForm =>
  capability.id === 1
    ? { sparse: capability.areas.map(({ offset: at, size }) => [at, size] as const) }
    : { 'msix-mappable': 1 };
