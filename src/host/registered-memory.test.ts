import { describe, expect, it } from 'vitest';
import { hostAddress, type Size } from '../address/index.ts';
import { Errno } from './errno.ts';
import { RegisteredMemory } from './registered-memory.ts';
import { failed, SUCCESS } from './system-call-answer.ts';

const PAGE = 0x1_0000n;
const RAM = 0x7f00_0000_0000n;
const MIB = 1n << 20n;

const block = (start: bigint, size: Size) => ({ hostAddress: hostAddress(start), size });
const memory = (lockLimit?: Size): RegisteredMemory => new RegisteredMemory(PAGE, lockLimit);
const unused = (): boolean => false;

describe('RegisteredMemory.register', () => {
  it('takes a block whose end fits in 64 bits, and refuses an end at 2^64 (host fact G2)', () => {
    expect(memory().register(block(0xffff_ffff_fffe_0000n, PAGE))).toEqual(SUCCESS);
    expect(memory().register(block(0xffff_ffff_ffff_0000n, PAGE))).toEqual(failed(Errno.EINVAL));
    expect(memory().register(block(0xffff_ffff_ffff_0000n, 2n * PAGE))).toEqual(failed(Errno.EINVAL));
  });

  it('takes blocks up to the last byte of the lock limit (host fact G5)', () => {
    const limited = memory(2n * PAGE);
    expect(limited.register(block(RAM, PAGE))).toEqual(SUCCESS);
    expect(limited.register(block(RAM + MIB, 2n * PAGE))).toEqual(failed(Errno.ENOMEM));
    expect(limited.register(block(RAM + MIB, PAGE))).toEqual(SUCCESS);
    expect(memory().register(block(0n, 1n << 63n))).toEqual(SUCCESS);
  });
});

describe('RegisteredMemory.reachableFrom', () => {
  /** Two blocks that touch, of 1 MiB each. */
  const twoBlocks = (): RegisteredMemory => {
    const both = memory();
    for (const start of [RAM, RAM + MIB]) expect(both.register(block(start, MIB))).toEqual(SUCCESS);
    return both;
  };

  it.each([
    ['the end inside of the first block', RAM + PAGE, RAM + PAGE],
    ['the end of the first block', RAM + MIB, RAM + MIB],
    ['the end inside of the second block', RAM + MIB + PAGE, RAM + MIB + PAGE],
    ['the end of the second block, at most', RAM + 3n * MIB, RAM + 2n * MIB],
  ])('reaches %s (host fact T8)', (_, end, expected) => {
    expect(twoBlocks().reachableFrom(RAM, end, PAGE)).toBe(expected);
  });

  it('reaches nothing where no block begins, or before one', () => {
    expect(twoBlocks().reachableFrom(RAM - PAGE, RAM + PAGE, PAGE)).toBe(RAM - PAGE);
    expect(twoBlocks().reachableFrom(RAM + 2n * MIB, RAM + 3n * MIB, PAGE)).toBe(RAM + 2n * MIB);
  });

  it.each([
    ['the host’s page', block(RAM, MIB), PAGE],
    ['the huge page behind the block', { ...block(RAM, MIB), hugePageSize: 2n * PAGE }, 2n * PAGE],
    ['the alignment of its address', { ...block(RAM + PAGE, MIB), hugePageSize: MIB }, PAGE],
    ['the alignment of its size', { ...block(RAM, MIB + 2n * PAGE), hugePageSize: MIB }, 2n * PAGE],
    ['its size', { ...block(RAM, MIB), hugePageSize: 16n * MIB }, MIB],
  ])('lets no larger page point into a block than %s (host fact R3.6.2)', (_, request, largest) => {
    const one = memory();
    expect(one.register(request)).toEqual(SUCCESS);
    const start = request.hostAddress;
    expect(one.reachableFrom(start, start + largest, largest)).toBe(start + largest);
    expect(one.reachableFrom(start, start + 2n * largest, 2n * largest)).toBe(start);
  });
});

describe('RegisteredMemory.unregister', () => {
  it('asks for the mappings of the block alone, and forgets a block without any (host fact R3.6.1)', () => {
    const one = memory();
    one.register(block(RAM, PAGE));
    const asked: bigint[][] = [];
    const isMapped = ({ start, end }: { start: bigint; end: bigint }): boolean => {
      asked.push([start, end]);
      return false;
    };
    expect(one.unregister(hostAddress(RAM), PAGE, isMapped)).toBe(0);
    expect(asked).toEqual([[RAM, RAM + PAGE]]);
    expect(one.unregister(hostAddress(RAM), PAGE, unused)).toBe(Errno.ENOENT);
    expect(one.reachableFrom(RAM, RAM + PAGE, PAGE)).toBe(RAM);
  });

  it('keeps a mapped block in use and its bytes locked (host facts D5 and G5)', () => {
    const one = memory(PAGE);
    one.register(block(RAM, PAGE));
    expect(one.unregister(hostAddress(RAM), PAGE, () => true)).toBe(0);
    expect(one.reachableFrom(RAM, RAM + PAGE, PAGE)).toBe(RAM + PAGE);
    expect(one.register(block(0n, PAGE))).toEqual(failed(Errno.ENOMEM));
    expect(one.register(block(RAM, PAGE))).toEqual(SUCCESS);
  });

  it('never frees a block that was unregistered while it was mapped (host fact D5)', () => {
    const one = memory();
    one.register(block(RAM, PAGE));
    expect(one.unregister(hostAddress(RAM), PAGE, () => true)).toBe(0);
    expect(one.register(block(RAM, PAGE))).toEqual(SUCCESS);
    // Now no mapping points into the block.
    expect(one.unregister(hostAddress(RAM), PAGE, unused)).toBe(0);
    expect(one.reachableFrom(RAM, RAM + PAGE, PAGE)).toBe(RAM + PAGE);
    expect(one.register(block(RAM, 2n * PAGE))).toEqual(failed(Errno.EINVAL));
  });
});
