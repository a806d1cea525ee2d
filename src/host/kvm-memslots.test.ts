import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gpa, hostAddress, offset } from '../address/index.ts';
import { Errno } from './errno.ts';
import { kernelRules } from './kernels/index.ts';
import { KvmMemslots, type KvmOptions, type Memslot } from './kvm-memslots.ts';

const KIB = 1n << 10n;
const P = 4n * KIB;

const slot = (number: number, at: bigint, size: bigint, rest: Partial<Memslot> = {}): Memslot => ({
  slot: number,
  gpa: gpa(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  logDirtyPages: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
  ...rest,
});

const kvm = (options: Partial<KvmOptions> = {}): KvmMemslots =>
  new KvmMemslots({ hostPageSize: P, ...options });

describe('KvmMemslots.set', () => {
  it('keeps slots by rising guest-physical address', () => {
    const slots = kvm();
    const high = slot(0, 0x10000n, P);
    const low = slot(1, 0n, 0x10000n);
    expect(slots.set(high)).toBe(0);
    expect(slots.set(low)).toBe(0);
    expect(slots.slots()).toEqual([low, high]);
    expect(slots.slots()).toBe(slots.slots());
  });

  it.each([
    ['a slot number at the limit (host fact K3)', slot(32764, 0n, P)],
    ['a negative slot number (host fact K3)', slot(-1, 0n, P)],
    ['a negative slot number whose lower 16 bits are 0 (host fact K8)', slot(-0x1_0000, 0n, P)],
    ['an unaligned size (host fact K5)', slot(0, 0n, 0x800n)],
    ['an unaligned guest address (host fact K6)', slot(0, 0x800n, P)],
    ['an unaligned host address (host fact K7)', slot(0, 0n, P, { hostAddress: hostAddress(0x800n) })],
    [
      'a host address that wraps (host fact K7)',
      slot(0, 0n, 2n * P, { hostAddress: hostAddress(0xffff_ffff_ffff_f000n) }),
    ],
    [
      'memory that ends at 2^64 (host facts K7 and D16)',
      slot(0, 0n, P, { hostAddress: hostAddress(0xffff_ffff_ffff_f000n) }),
    ],
    [
      'memory whose last page is above 2^63 (host fact D16)',
      slot(0, 0n, 2n * P, { hostAddress: hostAddress((1n << 63n) - P) }),
    ],
    ['the last page of the address space (host fact K9)', slot(0, 0xffff_ffff_ffff_f000n, P)],
    ['a guest address that wraps (host fact K9)', slot(0, 0xffff_ffff_ffff_f000n, 2n * P)],
    ['2^31 pages (host fact K10)', slot(0, 0n, P << 31n, { hostAddress: hostAddress(0n) })],
    ['the deletion of a slot that does not exist (host fact K11)', slot(0, 0n, 0n)],
  ])('fails with EINVAL for %s', (_, bad) => {
    const slots = kvm();
    expect(slots.set(bad)).toBe(Errno.EINVAL);
    expect(slots.slots()).toEqual([]);
  });

  it('accepts the last slot number, the last page but one, 2^31 - 1 pages and memory up to 2^63', () => {
    expect(kvm().set(slot(32763, 0xffff_ffff_ffff_e000n, P))).toBe(0);
    expect(kvm().set(slot(0, 0n, (P << 31n) - P))).toBe(0);
    expect(kvm().set(slot(0, 0n, P, { hostAddress: hostAddress((1n << 63n) - P) }))).toBe(0);
    expect(kvm({ slotLimit: 1 }).set(slot(0, 0n, P))).toBe(0);
    expect(kvm({ slotLimit: 1 }).set(slot(1, 0n, P))).toBe(Errno.EINVAL);
  });

  it('fails with EINVAL for a read-only slot on an architecture without them (host fact K4)', () => {
    expect(kvm({ architecture: 'power' }).set(slot(0, 0n, P, { readonly: true }))).toBe(Errno.EINVAL);
    expect(kvm({ architecture: 'power' }).set(slot(0, 0n, P))).toBe(0);
    for (const architecture of ['x86', 'arm64', 'loongarch'] as const) {
      expect(kvm({ architecture }).set(slot(0, 0n, P, { readonly: true }))).toBe(0);
    }
  });

  it('tests alignment by the host’s page (host fact R6.1.1)', () => {
    expect(kvm({ hostPageSize: 64n * KIB }).set(slot(0, 0n, P))).toBe(Errno.EINVAL);
    expect(kvm({ hostPageSize: 64n * KIB }).set(slot(0, 0n, 64n * KIB))).toBe(0);
  });

  it('deletes a slot with size 0, at any aligned address (host fact K11)', () => {
    const slots = kvm();
    slots.set(slot(0, 0n, P));
    slots.set(slot(1, P, P));
    expect(slots.set(slot(0, 0x8000n, 0n, { readonly: true }))).toBe(0);
    expect(slots.delete(1)).toBe(0);
    expect(slots.delete(1)).toBe(Errno.EINVAL);
    expect(slots.slots()).toEqual([]);
  });

  it.each([
    ['another host address', { hostAddress: hostAddress(0n) }],
    ['another size', { size: 2n * P }],
    ['read-only', { readonly: true }],
  ])('fails with EINVAL for an existing slot with %s (host fact K12)', (_, rest) => {
    const slots = kvm();
    const existing = slot(0, 0n, P);
    slots.set(existing);
    expect(slots.set({ ...existing, ...rest })).toBe(Errno.EINVAL);
    expect(slots.slots()).toEqual([existing]);
  });

  it('moves a slot, switches its dirty log, and accepts it unchanged (host fact K12)', () => {
    const slots = kvm();
    const first = slot(0, 0n, 4n * P);
    slots.set(first);
    expect(slots.set(first)).toBe(0);
    const logging = { ...first, logDirtyPages: true };
    expect(slots.set(logging)).toBe(0);
    expect(slots.slots()).toEqual([logging]);
    // The new place may overlap the old one.
    const moved = { ...logging, gpa: gpa(P) };
    expect(slots.set(moved)).toBe(0);
    expect(slots.slots()).toEqual([moved]);
  });

  it.each([
    ['the same addresses', 0x4000n, 0x4000n],
    ['its start', 0x3000n, 0x2000n],
    ['its end', 0x7000n, 0x2000n],
    ['its inside', 0x5000n, 0x1000n],
    ['all of it', 0n, 0x10000n],
  ])('fails with EEXIST over another slot: %s (host fact K13)', (_, at, size) => {
    const slots = kvm();
    const existing = slot(0, 0x4000n, 0x4000n);
    slots.set(existing);
    expect(slots.set(slot(1, at, size))).toBe(Errno.EEXIST);
    expect(slots.slots()).toEqual([existing]);
  });

  it('fails with EEXIST for a move over another slot and leaves both (host fact K13)', () => {
    const slots = kvm();
    const [first, second] = [slot(0, 0n, P), slot(1, P, P)];
    slots.set(first);
    slots.set(second);
    expect(slots.set({ ...first, gpa: gpa(P) })).toBe(Errno.EEXIST);
    expect(slots.slots()).toEqual([first, second]);
  });

  it('fails above the last guest address, which it tests after overlaps (host facts K13 and K14)', () => {
    const x86 = kvm({ lastGpa: gpa(0xffffn) });
    expect(x86.set(slot(0, 0xf000n, P))).toBe(0);
    expect(x86.set(slot(1, 0x10000n, P))).toBe(Errno.EINVAL);
    expect(x86.set(slot(1, 0xf000n, 2n * P))).toBe(Errno.EEXIST);
    const arm64 = kvm({ lastGpa: gpa(0xffffn), architecture: 'arm64' });
    expect(arm64.set(slot(0, 0xf000n, 2n * P))).toBe(Errno.EFAULT);
    expect(arm64.slots()).toEqual([]);
    const loongarch = kvm({ lastGpa: gpa(0xffffn), architecture: 'loongarch' });
    expect(loongarch.set(slot(0, 0xf000n, 2n * P))).toBe(Errno.ENOMEM);
  });

  it('compares a slot with the CPU’s width on x86 since Linux 5.18, on arm64 always (host fact K14)', () => {
    const above = slot(0, 0x10000n, P);
    const answer = (version: string, architecture: 'x86' | 'arm64') =>
      kvm({ lastGpa: gpa(0xffffn), kernel: kernelRules(version), architecture }).set(above);
    expect([answer('5.17', 'x86'), answer('5.18', 'x86')]).toEqual([0, Errno.EINVAL]);
    expect([answer('5.17', 'arm64'), answer('5.18', 'arm64')]).toEqual([Errno.EFAULT, Errno.EFAULT]);
  });

  it('has fewer slots before Linux 5.12 (host fact R6.1.3)', () => {
    const old = kvm({ kernel: kernelRules('5.11') });
    expect(old.set(slot(508, 0n, P))).toBe(0);
    expect(old.set(slot(509, P, P))).toBe(Errno.EINVAL);
    expect(kvm({ kernel: kernelRules('5.11'), architecture: 'arm64' }).set(slot(511, 0n, P))).toBe(0);
    expect(kvm({ architecture: 'arm64' }).set(slot(32766, 0n, P))).toBe(0);
    expect(kvm({ kernel: kernelRules('5.12') }).set(slot(32763, 0n, P))).toBe(0);
  });

  it('refuses memory of kernel space before an overlap and the CPU’s width (host fact D16)', () => {
    const x86 = kvm({ lastGpa: gpa(0xffffn) });
    expect(x86.set(slot(0, 0n, P))).toBe(0);
    const high = hostAddress(1n << 63n);
    expect(x86.set(slot(1, 0n, P, { hostAddress: high }))).toBe(Errno.EINVAL);
    const arm64 = kvm({ lastGpa: gpa(0xffffn), architecture: 'arm64' });
    expect(arm64.set(slot(1, 0x10000n, P, { hostAddress: high }))).toBe(Errno.EINVAL);
    expect(arm64.set(slot(1, 0x10000n, P, { hostAddress: hostAddress((1n << 63n) - P) }))).toBe(Errno.EFAULT);
  });

  it('has two address spaces on x86, each with slots of its own, and one on arm64 (host facts K8 and D17)', () => {
    const x86 = kvm();
    expect(x86.set(slot(1, 0n, P))).toBe(0);
    expect(x86.set(slot(0x1_0001, 0n, P))).toBe(0);
    expect(x86.set(slot(0x1_7ffc, 0n, P))).toBe(Errno.EINVAL);
    expect(x86.set(slot(0x2_0001, 0n, P))).toBe(Errno.EINVAL);
    expect(x86.slots().map((one) => one.slot)).toEqual([1]);
    expect(x86.delete(0x1_0001)).toBe(0);
    expect(x86.delete(0x2_0001)).toBe(Errno.EINVAL);
    for (const architecture of ['arm64', 'power', 'loongarch'] as const) {
      expect(kvm({ architecture }).set(slot(0x1_0001, 0n, P))).toBe(Errno.EINVAL);
    }
  });

  it('does not log dirty pages of a BAR on arm64, which it tests last (host fact D15)', () => {
    const bar = { deviceMemory: true, logDirtyPages: true };
    for (const architecture of ['x86', 'power', 'loongarch'] as const) {
      expect(kvm({ architecture }).set(slot(0, 0n, P, bar))).toBe(0);
    }
    const arm64 = kvm({ architecture: 'arm64', lastGpa: gpa(0xffffn) });
    expect(arm64.set(slot(0, 0n, P, bar))).toBe(Errno.EINVAL);
    expect(arm64.set(slot(0, 0n, P, { deviceMemory: true }))).toBe(0);
    expect(arm64.set(slot(0, 0n, P, bar))).toBe(Errno.EINVAL);
    expect(arm64.set(slot(1, 0n, P, bar))).toBe(Errno.EEXIST);
    expect(arm64.set(slot(1, 0x10000n, P, bar))).toBe(Errno.EFAULT);
    expect(arm64.set(slot(1, P, P, { logDirtyPages: true }))).toBe(0);
  });

  it('keeps slots aligned and disjoint, and changes nothing by a refused call (host fact 9.9)', () => {
    const call = fc.record({
      number: fc.integer({ min: 0, max: 4 }),
      page: fc.bigInt(0n, 12n),
      pages: fc.bigInt(0n, 5n),
      odd: fc.constantFrom(0n, 0n, 0n, 0x800n),
      readonly: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
        const slots = kvm({ slotLimit: 4 });
        for (const { number, page, pages, odd, readonly } of calls) {
          const before = slots.slots();
          const wanted = slot(number, page * P + odd, pages * P, { readonly });
          const errno = slots.set(wanted);
          const after = slots.slots();
          if (errno !== 0) expect(after).toEqual(before);
          else if (pages === 0n) expect(after.length).toBe(before.length - 1);
          else expect(after).toContain(wanted);
          after.forEach((one, index) => {
            expect((one.gpa | one.size) % P).toBe(0n);
            const next = after[index + 1];
            if (next) expect(one.gpa + one.size).toBeLessThanOrEqual(next.gpa);
          });
          expect(new Set(after.map((one) => one.slot)).size).toBe(after.length);
        }
      }),
    );
  });
});
