import type { HostCall } from '../session/host-call.ts';
import type { HostSession, SessionOn } from '../session/host-session.ts';

const END_OF_SPACE = 1n << 64n;

/**
 * Why a call must not be sent to a real kernel: the call would hang or stop the kernel, or change its answers to later
 * sessions.
 *
 * @returns `undefined` for a call that does no harm
 */
export function harmfulTo(session: HostSession, call: HostCall): string | undefined {
  if (session.container === 'spapr-tce-v2') return harmfulToSpapr(session, call);
  const { iommu, kernel } = session;
  const upToEnd = call.call === 'map' && call.iova + call.size === END_OF_SPACE;
  if (upToEnd && iommu.startsWith('amd') && Number.parseInt(kernel, 10) < 7) {
    return 'Linux before 7 loses a mapping that ends at 2^64, and hangs when the group is closed (host fact D12)';
  }
  return undefined;
}

/** Where the second window of a pseries guest starts (host fact D14). */
const SECOND_WINDOW = 1n << 59n;

/** A window is never smaller than the smallest that the session asks for, so a range in that many bytes ends in it. */
function harmfulToSpapr({ info, steps }: SessionOn<'spapr-tce-v2'>, call: HostCall): string | undefined {
  if (call.call === 'map') {
    const windows = steps.flatMap(({ call: one }) => (one.call === 'create-window' ? [one.size] : []));
    const smallest = [info.defaultWindow.size, ...windows.filter((size) => size > 0n)].reduce((a, b) =>
      a < b ? a : b,
    );
    const start = call.iova >= SECOND_WINDOW ? call.iova - SECOND_WINDOW : call.iova;
    return call.size > 0n && start + call.size > smallest
      ? 'Linux stops at a map that ends behind its window (host fact D6)'
      : undefined;
  }
  if (call.call !== 'create-window' || call.pageShift > 63) return undefined;
  const page = 1n << BigInt(call.pageShift);
  return call.size >= page >> 3n && call.size < page
    ? 'after a window that the hypervisor refuses, Linux makes no other one (host fact D19)'
    : undefined;
}
