import { gpa, hostAddress, lesser, offset, type Size } from '../address/index.ts';
import { errnoName, type HostFaults, type KvmMemslots, type Memslot } from '../host/index.ts';
import type { MemoryListener, MemoryRegionSection } from '../memory/index.ts';
import { askHost, injectedMark } from './ask-host.ts';
import type { EventSink } from './event.ts';
import { VmmAbort } from './failure.ts';
import type { PageSizes } from './listener-rules.ts';
import type { MemslotRules, MemslotSpan } from './memslot-rules.ts';

const KVM_LISTENER_PRIORITY = 10;

/** What the KVM listener is made of. */
export interface MemslotListenerOptions {
  readonly rules: MemslotRules;
  readonly kvm: KvmMemslots;
  readonly pages: Omit<PageSizes, 'iommu'>;
  /** Whether dirty pages are logged at this moment; never when left out. */
  readonly isLogging?: () => boolean;
  /** Whether KVM has read-only slots; without them ROM gets writable slots (kvm_mem_flags, vfio fact 9.3). */
  readonly readonlySlots: boolean;
  /**
   * Whether QEMU aborts when KVM refuses a slot (vfio fact 9.4). False on a machine without KVM: there the
   * model notes the slots that KVM would get.
   */
  readonly refusalIsFatal: boolean;
  /** Requests that KVM does not carry out; none when left out. */
  readonly faults?: HostFaults;
  readonly emit: EventSink;
}

/**
 * Gives KVM a memslot for all memory that a guest may access without an exit (kvm_set_phys_mem,
 * vfio facts 9.1 to 9.5).
 */
export class MemslotListener implements MemoryListener {
  readonly name = 'kvm-memory';
  readonly priority = KVM_LISTENER_PRIORITY;
  readonly #options: MemslotListenerOptions;
  readonly #slots = new Map<bigint, Memslot>();
  readonly #free: number[] = [];
  #next = 0;
  #removed: MemoryRegionSection[] = [];
  #added: MemoryRegionSection[] = [];

  constructor(options: MemslotListenerOptions) {
    this.#options = options;
  }

  regionAdd(section: MemoryRegionSection): void {
    if (!this.#isDirect(section)) return;
    if (this.#options.rules.update === 'immediately') this.#addSlot(section);
    else this.#added.push(section);
  }

  regionDel(section: MemoryRegionSection): void {
    if (!this.#isDirect(section)) return;
    if (this.#options.rules.update === 'immediately') this.#removeSlot(section);
    else this.#removed.push(section);
  }

  commit(): void {
    const [removed, added] = [this.#removed, this.#added];
    if (removed.length === 0 && added.length === 0) return;
    this.#removed = [];
    this.#added = [];
    for (const section of removed) this.#removeSlot(section);
    for (const section of added) this.#addSlot(section);
  }

  logStart(section: MemoryRegionSection): void {
    this.#updateFlags(section);
  }

  logStop(section: MemoryRegionSection): void {
    this.#updateFlags(section);
  }

  /** Gives the slots of a section their flags anew, in place (kvm_section_update_flags, vfio fact 9.7). */
  #updateFlags(section: MemoryRegionSection): void {
    const { rules, pages } = this.#options;
    const span = this.#isDirect(section) ? rules.span(section, pages, 'add') : undefined;
    if (span === undefined) return;
    const logDirtyPages = this.#logs(section, 'new-flags');
    for (const { start } of partsOf(span, rules.largestSlot)) {
      const slot = this.#slots.get(start);
      if (slot === undefined || slot.logDirtyPages === logDirtyPages) continue;
      if (rules.deletesForFlags(slot)) this.#set({ ...slot, size: 0n });
      const changed = { ...slot, logDirtyPages };
      this.#slots.set(start, changed);
      this.#set(changed);
    }
  }

  #logs(section: MemoryRegionSection, change: 'new-slot' | 'new-flags'): boolean {
    const { rules, isLogging } = this.#options;
    return rules.logsDirtyPages(section, isLogging?.() ?? false, change);
  }

  #fetchDirtyLog({ logDirtyPages, slot, gpa, size }: Memslot): void {
    const { rules, emit } = this.#options;
    if (logDirtyPages && rules.fetchesDirtyLog) emit({ type: 'dirty-log', slot, gpa, size });
  }

  /**
   * Whether a guest may access the section without an exit; a ROM device only in romd_mode (vfio fact 9.1).
   */
  #isDirect(section: MemoryRegionSection): boolean {
    return this.#options.rules.isDirect(section, this.#options.readonlySlots);
  }

  #addSlot(section: MemoryRegionSection): void {
    const { rules, pages } = this.#options;
    const span = rules.span(section, pages, 'add');
    if (span === undefined) return;
    for (const part of partsOf(span, rules.largestSlot)) this.#addPart(section, part);
  }

  #addPart(section: MemoryRegionSection, span: MemslotSpan): void {
    const { rules } = this.#options;
    if (rules.slotLimit > 0 && this.#slots.size >= rules.slotLimit) return;
    const { region } = section;
    const at = span.offset ?? offset(section.offset + (span.start - section.start));
    const unused = (rules.reuse === 'last-freed' ? this.#free.pop() : undefined) ?? this.#next++;
    const slot: Memslot = {
      slot: rules.slotNumber(section, unused),
      gpa: gpa(span.start),
      size: span.size,
      hostAddress: hostAddress((region.hostAddress ?? 0n) + at),
      // The flag of the region counts, not the section's: a read-only alias of RAM gets a writable slot
      // (vfio fact 9.3).
      readonly: rules.isReadonly(section, this.#options.readonlySlots),
      logDirtyPages: this.#logs(section, 'new-slot'),
      backing: { region: region.name, owner: region.owner, offset: at },
    };
    this.#set(slot);
    this.#slots.set(slot.gpa, slot);
  }

  #removeSlot(section: MemoryRegionSection): void {
    const { rules, pages } = this.#options;
    const span = rules.span(section, pages, 'remove');
    if (span === undefined || !rules.deletes) return;
    for (const { start } of partsOf(span, rules.largestSlot)) {
      const slot = this.#slots.get(start);
      if (slot === undefined) continue;
      this.#fetchDirtyLog(slot);
      this.#slots.delete(slot.gpa);
      this.#free.push(slot.slot);
      this.#set({ ...slot, size: 0n });
    }
  }

  #set(slot: Memslot): void {
    const { kvm, emit, refusalIsFatal, rules, faults } = this.#options;
    const fault = slot.size === 0n ? 0 : askHost(faults, 'memslot', { start: slot.gpa, size: slot.size });
    const errno = fault || kvm.set(slot);
    emit({ type: 'memslot', slot, errno, ...injectedMark(fault) });
    if (errno !== 0 && refusalIsFatal && rules.refusal === 'fatal') {
      const at = `start=0x${slot.gpa.toString(16)}, size=0x${slot.size.toString(16)}`;
      throw new VmmAbort('memslot', `kvm_set_phys_mem: error registering slot: ${errnoName(errno)} (${at})`);
    }
  }
}

/** A span in parts of at most `largest` bytes; 0 leaves the span whole. */
function partsOf(span: MemslotSpan, largest: Size): readonly MemslotSpan[] {
  const { start, size, offset: at } = span;
  if (largest === 0n || size <= largest) return [span];
  const parts: MemslotSpan[] = [];
  for (let done = 0n; done < size; done += largest) {
    parts.push({
      start: start + done,
      size: lesser(size - done, largest),
      ...(at !== undefined && { offset: offset(at + done) }),
    });
  }
  return parts;
}
