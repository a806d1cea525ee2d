import { isAligned, LAST_ADDRESS, type Range } from '../address/index.ts';
import { Errno, errnoName } from '../host/index.ts';
import { msixPbaRange, msixTableRange } from '../pci-layout/index.ts';
import {
  type DeviceSpec,
  type FaultRequest,
  coldPlugged,
  isCloudHypervisor,
  isConforming,
  isPutRightByRelocation,
  lastGuestAddress,
} from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import type { AbortSite, MemslotEvent, VmmEvent } from '../vfio/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import { FaultyRanges } from './faulty-ranges.ts';
import type { Examination, Invariant } from './invariant.ts';
import { isMachineRefused } from './machine-refused.ts';
import { ramOverHyperTransport } from './ram-over-hyper-transport.ts';

/** No action of the guest, the device or the user may kill the VMM. */
export const noAbort: Invariant = {
  id: 'no-abort',
  clause:
    'no scenario that the host accepts makes the VMM abort, and the VMM refuses no device that obeys the PCI ' +
    'specification, or that the relocation of MSI-X would put right',
  severity: 'error',
  site: 'hw/vfio/listener.c: hw_error in vfio_container_region_add; accel/kvm/kvm-all.c: kvm_set_phys_mem',
  start(trace, examination) {
    examination.exercised++;
    if (trace.outcome === 'ok') return undefined;
    return {
      end() {
        if (trace.outcome === 'rejected') {
          checkRefusal(trace, examination);
          return;
        }
        const refused = lastRefusal(trace);
        if (isFaultOfHost(trace, refused)) return;
        examination.violate(
          causeOf(trace, refused),
          () => `the VMM dies: ${trace.error ?? NO_MESSAGE}`,
          refused && placeOf(refused),
        );
      },
    };
  },
};

/** The requests that bring a device into a container. */
const CONNECTING: readonly FaultRequest[] = ['attach', 'create-ioas'];

const NO_MESSAGE = 'it prints no message';

/** Reports a VMM that refuses a conforming device although the host granted every call. */
function checkRefusal(trace: Trace, examination: Examination): void {
  if (isMachineRefused(trace)) return;
  const last = trace.steps.at(-1);
  const misplaced = ramOverHyperTransport(trace);
  if (misplaced !== undefined) {
    examination.violate(
      'ram-over-hyper-transport',
      () =>
        `the VMM puts RAM where the IOMMU of AMD allows none, and refuses a device: ${trace.error ?? NO_MESSAGE}`,
      placeOf(misplaced),
    );
  }
  // Without an mmap the BAR is trapped: the device works, only slower.
  const isGranted = last?.events.every(
    (event) => !('errno' in event) || event.errno === 0 || event.type === 'mmap',
  );
  if (last === undefined || !isGranted) return;
  // No event shows these requests. Without them there is no container for the device.
  if (trace.scenario.host.faults?.some(({ request }) => CONNECTING.includes(request)) === true) return;
  const { operation } = last;
  const added =
    operation.op === 'hotplug'
      ? trace.scenario.devices.filter(({ id }) => id === operation.device)
      : coldPlugged(trace.scenario);
  // The message of most refusals names the device.
  const named = added.filter(({ id }) => trace.error?.includes(`${id}:`) === true);
  const tried = named.length > 0 ? named : added;
  if (tried.length === 0) return;
  const isSound = tried.every(isConforming);
  if (!isSound && !tried.every((device) => isConforming(device) || isPutRightByRelocation(device))) return;
  if (!isSound) {
    // cloud-hypervisor has no such property, and refuses the device as it is.
    if (isCloudHypervisor(trace)) return;
    examination.violate(
      'relocatable-device-refused',
      () =>
        `the VMM refuses a device that the relocation of MSI-X would have put right, ${tried.map(deviceText).join(' or ')}: ${trace.error ?? NO_MESSAGE}`,
    );
    return;
  }
  examination.violate(
    'sound-device-refused',
    () =>
      `the VMM refuses a device that obeys the PCI specification, ${tried.map(deviceText).join(' or ')}: ${trace.error ?? NO_MESSAGE}`,
  );
}

/** A device by its PCI ids, with the places of its MSI-X structures, about which a VMM is most likely to be wrong. */
function deviceText({ id, vendor, device, msix }: DeviceSpec): string {
  const ids = [vendor, device].map((number) => number.toString(16).padStart(4, '0')).join(':');
  if (msix === undefined) return `${id} (${ids}, without MSI-X)`;
  const { start, end } = msixTableRange(msix);
  const pba = msixPbaRange(msix);
  return (
    `${id} (${ids}, MSI-X table at ${spanOf(start, end - start)} of BAR ${msix.tableBar}, ` +
    `PBA at ${spanOf(pba.start, pba.end - pba.start)} of BAR ${msix.pbaBar})`
  );
}

/**
 * Whether a fault of the host leaves the VMM no choice: the host never answers, or refuses RAM or a slot, or has kept a
 * mapping at the addresses of RAM. Without device memory a VMM can go on.
 */
function isFaultOfHost(trace: Trace, refused: RefusableEvent | undefined): boolean {
  const { abortSite, scenario, steps } = trace;
  const { faults } = scenario.host;
  if (faults === undefined) return false;
  if (abortSite === 'unanswered-request') return faults.some(({ answer }) => answer === 'never');
  if (refused?.type === 'memslot') return refused.injected === true;
  if (refused?.type !== 'dma-map' || refused.deviceMemory) return false;
  if (refused.injected === true) return true;
  const faulty = FaultyRanges.in(steps.flatMap(({ events }) => events));
  return faulty.keeps(refused.container, rangeFrom(refused.iova, refused.size));
}

type RefusableEvent = Extract<VmmEvent, { errno: unknown }>;

/** The calls to the host whose refusal may have led to each abort. */
const CALLS: Readonly<Record<string, readonly VmmEvent['type'][]>> = {
  'dma-map-ram': ['dma-map'],
  'dma-map-device-memory': ['dma-map'],
  'dma-window': ['window-create', 'window-remove'],
  'memory-registration': ['register-memory', 'unregister-memory'],
  memslot: ['memslot'],
} satisfies Partial<Record<AbortSite, readonly VmmEvent['type'][]>>;

/** The last call of such a kind that the host refused before the VMM died. */
function lastRefusal({ abortSite, steps }: Trace): RefusableEvent | undefined {
  const calls = abortSite === undefined ? undefined : CALLS[abortSite];
  return steps
    .at(-1)
    ?.events.findLast(
      (event): event is RefusableEvent =>
        'errno' in event && event.errno !== 0 && calls?.includes(event.type) === true,
    );
}

/** The check that ended the VMM, with the error of the refused call to the host where there is one. */
function causeOf(trace: Trace, refused: RefusableEvent | undefined): string {
  const { abortSite, pages } = trace;
  const site = abortSite ?? 'unknown';
  if (refused === undefined) return site;
  const cause = `${site}-${errnoName(refused.errno)}`;
  if (refused.type === 'memslot') return `${cause}${memslotReason(refused, trace)}`;
  if (refused.errno !== Errno.EINVAL) return cause;
  // EINVAL has many reasons; those that the request itself shows get causes of their own.
  if (refused.type !== 'dma-map' || refused.deviceMemory) return cause;
  return isAligned(refused.iova | refused.size | (refused.hostAddress ?? 0n), pages.iommu)
    ? `${cause}-out-of-reach`
    : cause;
}

/**
 * What KVM has against a slot, so that one refusal forgives no other: tested in KVM's order (host facts K5 to K10
 * and K14). Empty where the request shows nothing, as with EEXIST.
 */
function memslotReason({ slot, errno }: MemslotEvent, { pages, scenario }: Trace): string {
  const { gpa, size, hostAddress } = slot;
  if (errno === Errno.EEXIST) return '';
  if (!isAligned(gpa | size, pages.host)) return '-off-page';
  if (!isAligned(hostAddress, pages.host)) return '-host-address-off-page';
  if (gpa + size > LAST_ADDRESS) return '-past-last-page';
  return gpa + size - 1n > lastGuestAddress(scenario) ? '-beyond-cpu-width' : '';
}

/** The guest or I/O virtual addresses of the call. */
function placeOf(event: RefusableEvent): Range | undefined {
  switch (event.type) {
    case 'dma-map':
      return rangeFrom(event.iova, event.size);
    case 'memslot':
      return rangeFrom(event.slot.gpa, event.slot.size);
    case 'window-create':
      return rangeFrom(event.start, event.size);
    default:
      return undefined;
  }
}
