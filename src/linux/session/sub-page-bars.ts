import { alignDown, alignUp, isAligned } from '../../address/index.ts';
import type { HostCall } from './host-call.ts';
import type { HostSession, SessionBar } from './host-session.ts';

/** The resource by which vfio-pci reserves the rest of a sub-page BAR's page when the device is opened. */
const RESERVED_BY_VFIO = 'vfio sub-page reserved';

/**
 * Whether a BAR that is smaller than a page begins a page and has that page to itself (host fact 4.2).
 *
 * @returns `undefined` while the host has not given the BAR an address
 */
export function hasPageToItself({ start, othersInPage }: SessionBar, pageSize: bigint): boolean | undefined {
  if (start === undefined) return undefined;
  if (!isAligned(start, pageSize)) return false;
  const [pageStart, pageEnd] = [alignDown(start, pageSize), alignUp(start + 1n, pageSize)];
  return othersInPage.every(
    ({ first, last, name }) => name === RESERVED_BY_VFIO || last < pageStart || first >= pageEnd,
  );
}

/**
 * Finds the sub-page BARs that share their page on only one of two hosts. The kernels' answers to calls on such a
 * BAR cannot be compared.
 *
 * @param given the session as it was recorded
 * @param here the session on this host
 * @returns a function that gives the reason not to send a call, or `undefined`
 */
export function subPagePlacement(
  given: HostSession,
  here: HostSession,
): (call: HostCall) => string | undefined {
  const { pageSize } = given;
  const moved = given.device.bars.filter((bar) => {
    if (bar.type === 'io' || bar.size >= pageSize) return false;
    const other = here.device.bars.find(({ index }) => index === bar.index);
    const [then, now] = [hasPageToItself(bar, pageSize), other && hasPageToItself(other, pageSize)];
    return then !== undefined && then !== now;
  });
  return (call) => {
    const index = call.call === 'mmap' ? call.bar : call.call === 'region-info' ? call.index : undefined;
    return moved.some((bar) => bar.index === index)
      ? `not sent: BAR ${index} is smaller than a page, and shares its page on only one of the two hosts`
      : undefined;
  };
}
