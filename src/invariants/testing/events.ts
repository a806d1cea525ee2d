import { hostAddress, iova, offset } from '../../address/index.ts';
import type { Errno, Memslot } from '../../host/index.ts';
import type {
  DmaMapEvent,
  DmaUnmapEvent,
  MemslotEvent,
  MmapEvent,
  RegisterMemoryEvent,
  VmmEvent,
  WindowEvent,
} from '../../vfio/index.ts';
import { HOST_BASE, mapping, type BackingOptions } from './mappings.ts';

export const mapEvent = (at: bigint, size: bigint, backing: BackingOptions = {}): DmaMapEvent => ({
  type: 'dma-map',
  container: backing.container ?? 'container',
  ...mapping(at, size, backing),
  errno: backing.errno ?? 0,
});

export const unmapEvent = (
  at: bigint,
  size: bigint,
  more: { readonly container?: string; readonly unmapped?: bigint; readonly errno?: Errno } = {},
): DmaUnmapEvent => ({
  type: 'dma-unmap',
  container: more.container ?? 'container',
  iova: iova(at),
  size,
  unmapped: more.unmapped ?? size,
  errno: more.errno ?? 0,
});

export const memslotEvent = (slot: Memslot, errno: Errno = 0): MemslotEvent => ({
  type: 'memslot',
  slot,
  errno,
});

export const mmapEvent = (
  start: bigint,
  size: bigint,
  more: Partial<Pick<MmapEvent, 'device' | 'bar' | 'errno'>> = {},
): MmapEvent => ({ type: 'mmap', device: 'dev0', bar: 0, offset: offset(start), size, errno: 0, ...more });

export const windowEvent = (
  type: WindowEvent['type'],
  start: bigint,
  size: bigint,
  more: Partial<Pick<WindowEvent, 'container' | 'deviceMemory' | 'errno' | 'pageSize'>> = {},
): WindowEvent => ({ type, container: 'container', start, size, deviceMemory: false, errno: 0, ...more });

export const registerEvent = (
  size: bigint,
  errno: Errno,
  more: Partial<Pick<RegisterMemoryEvent, 'type' | 'container' | 'hostAddress'>> = {},
): RegisterMemoryEvent => ({
  type: 'register-memory',
  container: 'container',
  hostAddress: hostAddress(HOST_BASE),
  size,
  errno,
  ...more,
});

export const message = (text = 'a message'): VmmEvent => ({ type: 'message', text });
