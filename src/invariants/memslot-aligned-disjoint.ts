import { END_OF_SPACE, firstEndingAbove, isAligned, overlaps } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { DeviceSpec } from '../scenario/index.ts';
import type { DeviceState, StateChange, State, Trace, TraceRange } from '../trace/index.ts';
import type { MemslotEvent, MmapEvent, MunmapEvent } from '../vfio/index.ts';
import { barOf } from './bar-bytes.ts';
import { rangeFrom, spanOf } from './describe.ts';
import { checkDirtyLogs, hasMigration } from './dirty-logging.ts';
import { HostBases, SameBases } from './host-bases.ts';
import type { Examination, Invariant } from './invariant.ts';
import { hasReadonlySlots } from './readonly-slots.ts';
import { UnpluggedDevices } from './unplugged-devices.ts';

/** The memory that the guest reaches without an exit is the memory of the flat view. */
export const memslotAlignedDisjoint: Invariant = {
  id: 'memslot-aligned-disjoint',
  clause:
    'memslots are aligned to host pages, disjoint, and backed by the RAM that the flat view has there; no munmap takes ' +
    'away what a memslot shows; while a migration runs the slots of RAM log what the guest writes, and no log is lost',
  severity: 'error',
  site: 'accel/kvm/kvm-all.c: kvm_align_section, kvm_set_phys_mem',
  start(trace, examination) {
    const requests = new SlotRequests(trace.pages.host, examination);
    const slots = new SlotJudge(trace, examination);
    return {
      event(event) {
        if (event.type === 'memslot') requests.judge(event);
        else if (event.type === 'dirty-log') requests.noteFetched(event.slot);
        else if (event.type === 'munmap') requests.judgeMunmap(event);
        else if (event.type === 'mmap') slots.noteMmap(event);
      },
      step(change, state) {
        requests.devices = state.devices;
        slots.judge(change, state);
      },
      end() {
        checkFatalRequest(trace, examination);
        if (slots.migrates) checkDirtyLogs(trace, examination);
      },
    };
  },
};

/** Judges the requests: KVM refuses most wrong slots, so the slots that exist do not show all faults. */
class SlotRequests {
  /** The devices after the step before. */
  devices: readonly DeviceState[] = [];
  readonly #page: bigint;
  readonly #examination: Examination;
  readonly #inUse = new Map<number, Memslot>();
  /** The slots whose dirty log the VMM has fetched since they were made. */
  readonly #fetched = new Set<number>();

  /** @param page the host's page size in bytes. */
  constructor(page: bigint, examination: Examination) {
    this.#page = page;
    this.#examination = examination;
  }

  judge({ slot, errno }: MemslotEvent): void {
    const number = slot.slot;
    if (slot.size === 0n) {
      const deleted = this.#inUse.get(number);
      if (deleted?.logDirtyPages === true && !deleted.readonly && !this.#fetched.has(number))
        this.#reportLostLog(deleted);
      this.#inUse.delete(number);
      this.#fetched.delete(number);
      return;
    }
    this.#examination.exercised++;
    if (!isAligned(slot.gpa | slot.size, this.#page)) this.#reportUnaligned(slot);
    // The number of a slot may be used again only after the slot is deleted.
    const other = this.#inUse.get(number);
    if (other !== undefined && !differsInFlags(slot, other)) this.#reportNumberInUse(slot, other);
    if (errno === 0) this.#inUse.set(number, slot);
  }

  /** @param slot the number of a slot whose dirty log the VMM fetches. */
  noteFetched(slot: number): void {
    this.#fetched.add(slot);
  }

  #reportLostLog({ gpa, size, backing }: Memslot): void {
    this.#examination.violate(
      'log-lost',
      () =>
        `the VMM deletes the memslot ${spanOf(gpa, size)} of "${backing.region}", which logs dirty pages, without ` +
        'fetching the log',
      rangeFrom(gpa, size),
    );
  }

  /** A guest that reaches a slot without memory behind it ends the VMM (SIGBUS or EFAULT of KVM_RUN). */
  judgeMunmap(event: MunmapEvent): void {
    const device = this.devices.find(({ id }) => id === event.device);
    if (device === undefined) return;
    this.#examination.exercised++;
    for (const { gpa, size, backing } of this.#inUse.values()) {
      if (backing.owner !== device.id) continue;
      const shown = barOf(device, backing.region);
      if (shown?.bar.index !== event.bar) continue;
      const start = shown.start + backing.offset;
      if (!overlaps(rangeFrom(start, size), rangeFrom(event.offset, event.size))) continue;
      this.#examination.violate(
        'mmap-gone',
        () =>
          `the VMM takes back the mmap of ${device.id} BAR ${event.bar} ${spanOf(event.offset, event.size)} while the ` +
          `memslot ${spanOf(gpa, size)} of "${backing.region}" shows it to the guest`,
        rangeFrom(gpa, size),
      );
    }
  }

  #reportUnaligned({ gpa, size, backing }: Memslot): void {
    this.#examination.violate(
      'unaligned',
      () =>
        `the VMM requests a memslot ${spanOf(gpa, size)} of "${backing.region}" that is not aligned to host pages`,
      rangeFrom(gpa, size),
    );
  }

  #reportNumberInUse({ slot, gpa, size }: Memslot, other: Memslot): void {
    this.#examination.violate(
      'number-in-use',
      () =>
        `the VMM requests slot ${slot} for ${spanOf(gpa, size)} while the slot holds ` +
        `${spanOf(other.gpa, other.size)} of "${other.backing.region}"`,
      rangeFrom(gpa, size),
    );
  }
}

/** Whether a request only switches the dirty log of a slot, which KVM allows in place (host fact K12). */
const differsInFlags = (slot: Memslot, other: Memslot): boolean =>
  slot.logDirtyPages !== other.logDirtyPages &&
  slot.gpa === other.gpa &&
  slot.size === other.size &&
  slot.hostAddress === other.hostAddress &&
  slot.readonly === other.readonly;

/** Judges the slots that exist. */
class SlotJudge {
  readonly #page: bigint;
  readonly #hasReadonlySlots: boolean;
  /** Whether a migration begins in the run: `checkDirtyLogs` judges the logs then. */
  readonly migrates: boolean;
  /** The owners and names of the regions of BARs that the VMM mmaps read-only. */
  readonly #readonlyBars = new Set<string>();
  readonly #devices: readonly DeviceSpec[];
  readonly #examination: Examination;
  readonly #unplugged = new UnpluggedDevices();
  readonly #bases = new SameBases();

  constructor({ pages, scenario }: Trace, examination: Examination) {
    this.#page = pages.host;
    this.#hasReadonlySlots = hasReadonlySlots(scenario);
    this.migrates = hasMigration(scenario);
    this.#devices = scenario.devices;
    this.#examination = examination;
  }

  /** Judges the slots that are new, or whose part of the flat view is, and those right above them. */
  judge(
    { memslots: { added, removed }, flatView, devices }: StateChange,
    { memslots, flatView: view }: State,
  ): void {
    const ownersChanged = this.#unplugged.follow(devices);
    this.#bases.follow({ added, removed });
    const bases = this.#bases.differ ? new HostBases() : undefined;
    const isWhole = ownersChanged || bases !== undefined || flatView.isWhole;
    if (!isWhole && added.length === 0 && flatView.isEmpty) return;
    let below: Memslot | undefined;
    let isNeighbourNew = false;
    for (const slot of memslots) {
      const isNew = isWhole || added.includes(slot);
      if (isNew || isNeighbourNew || flatView.touches(slot.gpa, slot.size)) {
        this.#judge(slot, below, view);
        if (bases?.agrees(slot) === false)
          this.#violate('wrong-backing', slot, 'has another host address than the rest of that region');
        // The memory of a device goes with the device, even where the flat view still has its regions.
        if (this.#unplugged.has(slot.backing.owner))
          this.#violate('owner-gone', slot, 'holds memory of a device that is unplugged');
      }
      below = slot;
      isNeighbourNew = isNew;
    }
  }

  #judge(slot: Memslot, below: Memslot | undefined, view: readonly TraceRange[]): void {
    this.#examination.exercised++;
    const { gpa, size, hostAddress } = slot;
    if (!isAligned(gpa | size | hostAddress, this.#page) || size === 0n || gpa + size > END_OF_SPACE) {
      this.#violate('unaligned', slot, 'is not made of whole, aligned host pages');
    }
    if (below !== undefined && gpa < below.gpa + below.size)
      this.#violate('overlapping', slot, 'overlaps the memslot below it');
    if (slot.logDirtyPages && !this.migrates)
      this.#violate('logged-in-vain', slot, 'logs dirty pages although no migration runs');
    const shown = backingOf(slot, view);
    if (shown === undefined) {
      this.#violate('not-backed', slot, 'holds other memory than the flat view there');
    } else if (slot.readonly !== isReadonly(shown) && (slot.readonly || this.#needsReadonlySlot(shown))) {
      const permission = slot.readonly ? 'read-only' : 'writable';
      this.#violate('wrong-permission', slot, `is ${permission}, unlike the flat view there`);
    }
    if (!slot.readonly && this.#hasReadonlySlots && this.#isReadonlyBar(slot))
      this.#violate('read-only-bar-writable', slot, 'is writable, although the BAR can only be read');
  }

  /** A guest that writes to a mapping without PROT_WRITE ends in an error of KVM_RUN, also where the host offers the BAR for writing. */
  noteMmap({ device: id, bar, writable, errno }: MmapEvent): void {
    if (writable !== false || errno !== 0) return;
    const device = this.#devices.find((one) => one.id === id);
    if (device !== undefined) this.#readonlyBars.add(`${id}: ${device.name} BAR ${bar}`);
  }

  /** Whether the slot shows a BAR that can only be read. */
  #isReadonlyBar({ backing: { region, owner } }: Memslot): boolean {
    if (this.#readonlyBars.size === 0) return false;
    return this.#readonlyBars.has(`${owner}: ${region.replace(/ mmaps\[\d+\]/, '')}`);
  }

  /** KVM asks the region alone: a read-only alias of RAM, such as the shadow of a PC, may have a writable slot (vfio fact 9.3). */
  #needsReadonlySlot({ region }: TraceRange): boolean {
    return this.#hasReadonlySlots && (region.kind === 'rom-device' || region.readonly !== false);
  }

  #violate(cause: string, { gpa, size, backing }: Memslot, fault: string): void {
    this.#examination.violate(
      cause,
      () => `the memslot ${spanOf(gpa, size)} of "${backing.region}" ${fault}`,
      rangeFrom(gpa, size),
    );
  }
}

/** A VMM that died of a refused slot left only the request, which is compared with the flat view. */
function checkFatalRequest(trace: Trace, examination: Examination): void {
  const last = trace.outcome === 'aborted' ? trace.steps.at(-1) : undefined;
  const event = last?.events.at(-1);
  if (last === undefined || event?.type !== 'memslot' || event.slot.size === 0n) return;
  const { slot } = event;
  if (backingOf(slot, last.state.flatView) !== undefined) return;
  examination.violate(
    'asked-not-backed',
    () =>
      `the VMM requests a memslot ${spanOf(slot.gpa, slot.size)} of "${slot.backing.region}", ` +
      'but the flat view has other memory there',
    rangeFrom(slot.gpa, slot.size),
  );
}

/** The flat range with the memory of the slot; `undefined` where the flat view has other memory there. */
function backingOf({ gpa, size, backing }: Memslot, view: readonly TraceRange[]): TraceRange | undefined {
  const range = view[firstEndingAbove(view, gpa)];
  if (range === undefined || range.start > gpa || range.end < gpa + size) return undefined;
  const { kind, name, owner } = range.region;
  const isBacked =
    (kind === 'ram' || kind === 'ram-device' || (kind === 'rom-device' && range.romdMode)) &&
    name === backing.region &&
    owner === backing.owner &&
    range.offset + (gpa - range.start) === backing.offset;
  return isBacked ? range : undefined;
}

/** A ROM device in ROM mode is read-only to the guest: QEMU handles its writes. */
const isReadonly = ({ readonly, region }: TraceRange): boolean => readonly || region.kind === 'rom-device';
