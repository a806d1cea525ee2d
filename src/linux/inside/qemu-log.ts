import { hex } from '../../address/index.ts';

/** A memory slot as a QEMU has asked KVM for it. */
export interface LoggedSlot {
  readonly slot: number;
  readonly gpa: bigint;
  /** In bytes. */
  readonly size: bigint;
  readonly readonly: boolean;
}

/** A request to map or to unmap memory for DMA, which the host may refuse. */
export interface LoggedRequest {
  readonly kind: 'map' | 'unmap';
  readonly start: bigint;
  /** In bytes. */
  readonly size: bigint;
}

/** What QEMU has asked of VFIO and KVM, read from its log of trace events. */
export class QemuLog {
  /** The DMA requests, in order. */
  readonly requests: LoggedRequest[] = [];
  readonly #slots = new Map<number, LoggedSlot>();

  /** @param lines of the log, in order; others than those of the known events are passed over */
  constructor(lines: readonly string[]) {
    for (const line of lines) this.#read(line);
  }

  /** The slots of address space 0 in force, by rising address. Address space 1 is that of system management mode. */
  get slots(): readonly LoggedSlot[] {
    return [...this.#slots.values()].toSorted((a, b) => (a.gpa < b.gpa ? -1 : 1));
  }

  #read(line: string): void {
    const [, kind, from, to] = REQUEST.exec(line) ?? [];
    if (from !== undefined && to !== undefined) {
      const start = BigInt(from);
      const size = BigInt(to) - start + 1n;
      this.requests.push({ kind: kind === 'add_ram' ? 'map' : 'unmap', start, size });
    }
    const [, space, slot, flags, gpa, size, answer] = SLOT.exec(line) ?? [];
    if (answer === undefined || space !== '0' || answer !== '0') return;
    if (BigInt(size!) === 0n) this.#slots.delete(Number(slot));
    else {
      const isReadonly = (Number(flags) & READONLY) !== 0;
      const one = { slot: Number(slot), gpa: BigInt(gpa!), size: BigInt(size!), readonly: isReadonly };
      this.#slots.set(one.slot, one);
    }
  }
}

/** hw/vfio/trace-events; both ends included. */
const REQUEST = /^vfio_listener_region_(add_ram|del) region_\w+ (?:\[ram\] )?(0x[0-9a-f]+) - (0x[0-9a-f]+)/;
/** accel/kvm/trace-events: `kvm_set_user_memory`. */
const SLOT =
  /^kvm_set_user_memory AddrSpace#(\d+) Slot#(\d+) flags=(0x[0-9a-f]+) gpa=(0x[0-9a-f]+) size=(0x[0-9a-f]+) .* ret=(-?\d+)$/;
/** KVM_MEM_READONLY. */
const READONLY = 2;

/** A range in a word: `0x0+0xc0000`. */
export const rangeWord = (start: bigint, size: bigint): string => `${hex(start)}+${hex(size)}`;
