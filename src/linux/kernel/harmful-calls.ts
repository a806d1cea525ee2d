import type { HostCall } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';

const END_OF_SPACE = 1n << 64n;

/**
 * Why a call must not be sent to a real kernel: the call would hang the kernel, and no later session could run on it.
 *
 * @returns `undefined` for a call that does no harm
 */
export function harmfulTo({ iommu, kernel }: HostSession, call: HostCall): string | undefined {
  const upToEnd = call.call === 'map' && call.iova + call.size === END_OF_SPACE;
  if (upToEnd && iommu.startsWith('amd') && Number.parseInt(kernel, 10) < 7) {
    return 'Linux before 7 loses a mapping that ends at 2^64, and hangs when the group is closed (host fact D12)';
  }
  return undefined;
}
