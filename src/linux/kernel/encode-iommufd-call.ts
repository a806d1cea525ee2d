import {
  ATTACH_IOMMUFD_PT,
  concatenate,
  DETACH_IOMMUFD_PT,
  DEVICE_FEATURE,
  DEVICE_FEATURES,
  DMA_BUF_FEATURE,
  IOAS_IOVA_RANGES,
  IOAS_MAP,
  IOAS_MAP_FILE,
  IOAS_UNMAP,
  iommufdRequest,
  RANGE,
  vfioRequest,
} from '../../host/abi/index.ts';
import { command, O_CLOEXEC, READ_WRITE } from '../agent/commands.ts';
import type { CallNamed } from '../session/host-call.ts';
import {
  asZero,
  returned,
  simple,
  type CallContext,
  type EncodedCall,
  type OpenAddressSpace,
} from './encoded-call.ts';
import { RANGES_AREA, rangesIn, readRangesArea } from './iova-ranges-area.ts';

/** A call that only a session on iommufd has. */
export type IommufdCall = CallNamed<
  'ioas-map' | 'ioas-unmap' | 'ioas-iova-ranges' | 'export-dma-buf' | 'ioas-map-file' | 'attach' | 'detach'
>;

/**
 * In bytes. iommufd reads as much as a request says and wants zeros behind the structure that it knows, so barproof
 * sends them.
 */
const LARGEST_REQUEST = 4096;

/** The bytes of a request of iommufd, which `size` says is as large. */
const filled = (bytes: Uint8Array, size: number): Uint8Array =>
  concatenate(bytes, new Uint8Array(Math.max(0, size - bytes.length)));

/**
 * Encodes a call of a session on iommufd.
 *
 * @returns the reason as text if the call cannot be made
 */
export function encodeIommufdCall(
  call: IommufdCall,
  context: CallContext,
  space: OpenAddressSpace,
): EncodedCall | string {
  const { container, device, memory, ioctls } = context;
  if ((call.argsz ?? 0) > LARGEST_REQUEST) return `not sent: argsz is above ${LARGEST_REQUEST}`;
  const ioctl = (name: Parameters<typeof iommufdRequest>[0], bytes: Uint8Array, size: number): string =>
    command.ioctl(container, iommufdRequest(name, ioctls), filled(bytes, size));
  const ioas_id = space.id;
  switch (call.call) {
    case 'ioas-map': {
      const { iova, size: length, flags, argsz: size = IOAS_MAP.bytes } = call;
      const user_va = memory.address(call.vaddr);
      const bytes = IOAS_MAP.encode({ size, flags, ioas_id, user_va, length, iova });
      return {
        commands: [ioctl('IOAS_MAP', bytes, size)],
        decode: (answer) =>
          returned(answer, (data) => (answer.result === 0 ? { mapped: IOAS_MAP.decode(data).iova } : {})),
      };
    }
    case 'ioas-map-file': {
      const { start, iova, size: length, flags, argsz: size = IOAS_MAP_FILE.bytes } = call;
      const fd = space.dmaBufs.get(call.name) ?? -1;
      const bytes = IOAS_MAP_FILE.encode({ size, flags, ioas_id, fd, start, length, iova });
      return {
        commands: [ioctl('IOAS_MAP_FILE', bytes, size)],
        decode: (answer) =>
          returned(answer, (data) =>
            answer.result === 0 ? { mapped: IOAS_MAP_FILE.decode(data).iova } : {},
          ),
      };
    }
    case 'ioas-unmap': {
      const { iova, size: length, argsz: size = IOAS_UNMAP.bytes } = call;
      return {
        commands: [ioctl('IOAS_UNMAP', IOAS_UNMAP.encode({ size, ioas_id, iova, length }), size)],
        decode: (answer) => returned(answer, (data) => ({ unmapped: IOAS_UNMAP.decode(data).length })),
      };
    }
    case 'ioas-iova-ranges': {
      const { count: num_iovas, argsz: size = IOAS_IOVA_RANGES.bytes } = call;
      const bytes = IOAS_IOVA_RANGES.encode({ size, ioas_id, num_iovas, allowed_iovas: RANGES_AREA });
      return {
        commands: [ioctl('IOAS_IOVA_RANGES', bytes, size), readRangesArea()],
        decode: (answer, later = []) =>
          returned(answer, (data) => {
            const { num_iovas: needed, out_iova_alignment: alignment } = IOAS_IOVA_RANGES.decode(data);
            // A request that the kernel refuses before it looks for ranges leaves the fields as they were.
            if (alignment === 0n) return {};
            return { needed, alignment, ranges: rangesIn(later[0], Math.min(needed, num_iovas)) };
          }),
      };
    }
    case 'export-dma-buf': {
      const ranges = call.ranges.map(([first, second]) => RANGE.encode({ first, second }));
      const feature = concatenate(
        DMA_BUF_FEATURE.encode({
          ...{ region_index: call.bar, open_flags: READ_WRITE | O_CLOEXEC, flags: call.flags },
          nr_ranges: ranges.length,
        }),
        ...ranges,
      );
      const argsz = call.argsz ?? DEVICE_FEATURE.bytes + feature.length;
      const head = DEVICE_FEATURE.encode({ argsz, flags: DEVICE_FEATURES.GET | DEVICE_FEATURES.DMA_BUF });
      const bytes = concatenate(head, feature);
      return {
        commands: [command.ioctl(device, vfioRequest('DEVICE_FEATURE', ioctls), bytes)],
        decode: (answer) => {
          if (answer.result >= 0) space.dmaBufs.set(call.name, answer.result);
          return asZero(returned(answer));
        },
      };
    }
    case 'attach': {
      const bytes = ATTACH_IOMMUFD_PT.encode({
        argsz: call.argsz ?? ATTACH_IOMMUFD_PT.bytes,
        pt_id: ioas_id,
      });
      return simple(command.ioctl(device, vfioRequest('DEVICE_ATTACH_IOMMUFD_PT', ioctls), bytes));
    }
    case 'detach': {
      const bytes = DETACH_IOMMUFD_PT.encode({ argsz: call.argsz ?? DETACH_IOMMUFD_PT.bytes });
      return simple(command.ioctl(device, vfioRequest('DEVICE_DETACH_IOMMUFD_PT', ioctls), bytes));
    }
  }
}
