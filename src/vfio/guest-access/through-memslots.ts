import { lesser, offset } from '../../address/index.ts';
import type { Memslot } from '../../host/index.ts';
import type { AccessPart } from '../event.ts';

/** An access by guest-physical addresses. */
export interface CpuAccess {
  readonly address: bigint;
  /** In bytes, 1 to 8. */
  readonly width: number;
  readonly write: boolean;
}

/** Carries out an access that KVM hands to the VMM, and returns its parts by rising address. */
export type Exit = (access: CpuAccess) => readonly AccessPart[];

/**
 * Carries out an access as KVM does. Bytes in a memslot are reached directly; a write to a read-only slot, and bytes
 * outside of all slots, exit to the VMM.
 *
 * @param slots disjoint, in any order.
 */
export function accessThroughMemslots(
  { address, width, write }: CpuAccess,
  slots: readonly Memslot[],
  exit: Exit,
): readonly AccessPart[] {
  const end = address + BigInt(width);
  const near = slots.filter(
    ({ gpa, size, readonly }) => gpa < end && address < gpa + size && !(write && readonly),
  );
  const parts: AccessPart[] = [];
  let at = address;
  while (at < end) {
    const slot = near.find(({ gpa, size }) => gpa <= at && at < gpa + size);
    const limit = slot === undefined ? firstAbove(at, near, end) : lesser(slot.gpa + slot.size, end);
    const size = Number(limit - at);
    if (slot === undefined) parts.push(...exit({ address: at, width: size, write }));
    else {
      const { region, owner, offset: from } = slot.backing;
      const reached = { kind: 'memory', region, owner, offset: offset(from + at - slot.gpa) } as const;
      parts.push({ address: at, size, reached });
    }
    at = limit;
  }
  return parts;
}

/** Where the first slot above `address` begins, or `end`. */
const firstAbove = (address: bigint, slots: readonly Memslot[], end: bigint): bigint =>
  slots.reduce((first, { gpa }) => (gpa > address ? lesser(first, gpa) : first), end);
