import { lesser } from '../../address/index.ts';
import {
  concatenate,
  DMA_MAP,
  DMA_UNMAP,
  decodeChain,
  decodeRanges,
  DMA_AVAIL,
  kvmRequests,
  MEMORY_REGION,
  REGION_CAPABILITIES,
  REGION_INFO,
  REGION_SHIFT,
  TYPE1_CAPABILITIES,
  TYPE1_INFO,
  vfioRequest,
  type ChainedCapability,
} from '../../host/abi/index.ts';
import { command, MAP } from '../agent/commands.ts';
import type { CapabilityForm, FieldValue, HostCall } from '../session/host-call.ts';
import { encodeIommufdCall } from './encode-iommufd-call.ts';
import { asZero, returned, simple, type CallContext, type EncodedCall } from './encoded-call.ts';
import { encodeSpaprCall } from './encode-spapr-call.ts';

/**
 * The address at which an mmap is tried that the session undoes at once. It is only a hint: MAP_FIXED would replace
 * the agent's own memory in a range as large as user space.
 */
const SCRATCH = 0x2000_0000_0000n;
/** In bytes. An mmap that succeeds is no longer than a BAR, so no more has to be undone. */
const LARGEST_BAR = 1n << REGION_SHIFT;
/** Region 7 is the configuration space; its command register is at 4. */
const COMMAND_REGISTER = (7n << REGION_SHIFT) + 4n;
const MEMORY_AND_BUS_MASTER = 0x0006;
/** The bytes that a request leaves for capabilities: more than any container or region has. */
const INFO_BYTES = 2048;

/**
 * Encodes a call of a session as commands for the agent.
 *
 * @returns the reason as text if this session cannot make the call
 */
export function encodeCall(call: HostCall, context: CallContext): EncodedCall | string {
  const { container, device, machine, memory, ioctls } = context;
  const request = (name: Parameters<typeof vfioRequest>[0]): number => vfioRequest(name, ioctls);
  switch (call.call) {
    case 'map': {
      const vaddr = memory.address(call.vaddr);
      const { iova, size, flags, argsz = DMA_MAP.bytes } = call;
      const bytes = DMA_MAP.encode({ argsz, flags, vaddr, iova, size });
      return simple(command.ioctl(container, request('IOMMU_MAP_DMA'), bytes));
    }
    case 'unmap':
    case 'unmap-all': {
      const { iova, size, flags, argsz = DMA_UNMAP.bytes } = call;
      const bytes = DMA_UNMAP.encode({ argsz, flags, iova, size });
      return {
        commands: [command.ioctl(container, request('IOMMU_UNMAP_DMA'), bytes)],
        decode: (answer) => returned(answer, (data) => ({ unmapped: DMA_UNMAP.decode(data).size })),
      };
    }
    case 'info':
      return {
        commands: [command.ioctl(container, request('IOMMU_GET_INFO'), type1InfoRequest())],
        decode: (answer) => returned(answer, (data) => ({ avail: readType1Info(data).avail ?? 0 })),
      };
    case 'decode': {
      const value = call.on ? MEMORY_AND_BUS_MASTER : 0;
      const bytes = Uint8Array.of(value & 0xff, value >> 8);
      return {
        commands: [command.pwrite(device, COMMAND_REGISTER, bytes)],
        decode: (answer) => asZero(returned(answer)),
      };
    }
    case 'memslot': {
      const uaddr = memory.address(call.uaddr);
      const { slot, flags, gpa, size } = call;
      const bytes = MEMORY_REGION.encode({
        ...{ slot, flags, guest_phys_addr: gpa, memory_size: size, userspace_addr: uaddr },
      });
      return simple(command.ioctl(machine, kvmRequests(ioctls).SET_USER_MEMORY_REGION, bytes));
    }
    case 'region-info': {
      const { index, argsz = REGION_INFO.bytes } = call;
      const bytes = concatenate(REGION_INFO.encode({ argsz, index }), new Uint8Array(INFO_BYTES));
      return {
        commands: [command.ioctl(device, request('DEVICE_GET_REGION_INFO'), bytes)],
        decode: (answer) =>
          answer.kind === 'returned' && answer.result < 0
            ? returned(answer)
            : returned(answer, readRegionInfo),
      };
    }
    case 'mmap': {
      const { bar, offset, size, prot, shared } = call;
      const flags = shared ? MAP.SHARED : MAP.PRIVATE;
      const at = BigInt.asUintN(64, (BigInt(bar) << 40n) | offset);
      return {
        commands: [
          command.mmap({
            address: SCRATCH,
            length: size,
            protection: prot,
            flags,
            descriptor: device,
            offset: at,
          }),
          command.munmap(SCRATCH, lesser(size, LARGEST_BAR)),
        ],
        decode: (answer) => asZero(returned(answer)),
      };
    }
    case 'register':
    case 'unregister':
    case 'create-window':
    case 'remove-window':
      return encodeSpaprCall(call, context);
    default:
      if (context.addressSpace === undefined) return `${call.call} needs a session on iommufd`;
      return encodeIommufdCall(call, context, context.addressSpace);
  }
}

/** The bytes of a VFIO_IOMMU_GET_INFO request, with room for capabilities. */
export const type1InfoRequest = (): Uint8Array =>
  concatenate(TYPE1_INFO.encode({ argsz: TYPE1_INFO.bytes + INFO_BYTES }), new Uint8Array(INFO_BYTES));

/** Reads the answer to VFIO_IOMMU_GET_INFO. */
export function readType1Info(data: Uint8Array): {
  readonly pageSizes: bigint;
  readonly iovaRanges: readonly (readonly [bigint, bigint])[];
  readonly avail: number | undefined;
} {
  const { iova_pgsizes: pageSizes, cap_offset: first } = TYPE1_INFO.decode(data);
  const capabilities = decodeChain(data, first);
  const contents = (id: number): Uint8Array | undefined =>
    capabilities.find((one) => one.id === id)?.contents;
  const ranges = contents(TYPE1_CAPABILITIES.IOVA_RANGE);
  const avail = contents(TYPE1_CAPABILITIES.DMA_AVAIL);
  return {
    pageSizes,
    iovaRanges: ranges === undefined ? [] : decodeRanges(ranges),
    avail: avail && DMA_AVAIL.decode(avail).avail,
  };
}

function readRegionInfo(data: Uint8Array): Record<string, FieldValue> {
  const { argsz, flags, cap_offset: capOffset, size, offset } = REGION_INFO.decode(data);
  const caps = decodeChain(data, capOffset).map(capabilityForm);
  return { argszOut: argsz, infoFlags: flags, size, offset, capOffset, caps };
}

function capabilityForm({ id, version, contents }: ChainedCapability): CapabilityForm {
  if (id === REGION_CAPABILITIES.SPARSE_MMAP) return { sparse: decodeRanges(contents) };
  return id === REGION_CAPABILITIES.MSIX_MAPPABLE ? { 'msix-mappable': version } : { other: id };
}
