import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, hex } from '../address/index.ts';
import { MemoryRegion, MemoryTopology, type MemoryListener } from '../memory/index.ts';
import { barFlags, type BarAttributes, PciCommand, PciRegister, barRegister } from '../pci-layout/index.ts';
import { PciFunction } from './pci-function.ts';
import { QEMU_PCI, type PciRules } from './pci-rules.ts';

const MEM32: BarAttributes = { type: 'mem32', prefetchable: false };
const MEM64: BarAttributes = { type: 'mem64', prefetchable: false };
const MEM64P: BarAttributes = { type: 'mem64', prefetchable: true };
const IO: BarAttributes = { type: 'io', prefetchable: false };

const { COMMAND } = PciRegister;
const ALL_ONES = 0xffff_ffff;

/** Records additions and removals in the address space of memory BARs, one list for each commit. */
class Recorder implements MemoryListener {
  readonly name = 'recorder';
  readonly priority = 0;
  #commit: string[] = [];
  readonly #commits: string[][] = [];

  regionAdd({ start, region }: { start: bigint; region: MemoryRegion }): void {
    this.#commit.push(`+${region.name} ${hex(start)}`);
  }

  regionDel({ start, region }: { start: bigint; region: MemoryRegion }): void {
    this.#commit.push(`-${region.name} ${hex(start)}`);
  }

  commit(): void {
    this.#commits.push(this.#commit);
    this.#commit = [];
  }

  /** Takes the commits since the last call. */
  take(): string[][] {
    return this.#commits.splice(0);
  }
}

/** A function on a bus of its own. */
function makeFunction(
  bars: readonly (readonly [index: number, attributes: BarAttributes, size: bigint])[],
  addressZeroAllowed = false,
  rules: PciRules = QEMU_PCI,
) {
  const topology = new MemoryTopology();
  const memory = MemoryRegion.io('memory', END_OF_SPACE);
  const io = MemoryRegion.container('ports', 0x1_0000n);
  const dmaSpace = topology.createAddressSpace('memory', MemoryRegion.container('system', END_OF_SPACE));
  topology.addSubregion(dmaSpace.root, memory, 0n as never);
  const ports = topology.createAddressSpace('I/O', io);
  const recorder = new Recorder();
  const pci = new PciFunction({ topology, memory, io, dmaSpace, addressZeroAllowed }, rules);
  for (const [index, attributes, size] of bars) {
    pci.registerBar(index, attributes, MemoryRegion.io(`bar${index}`, size));
  }
  topology.registerListener(recorder, dmaSpace);
  recorder.take();
  return { topology, pci, recorder, ports, space: dmaSpace };
}

type Made = ReturnType<typeof makeFunction>;

/** The additions and removals of BARs while `act` runs, commit by commit. */
function commitsOf({ recorder }: Made, act: () => void): string[][] {
  recorder.take();
  act();
  return recorder
    .take()
    .map((commit) => commit.filter((line) => line.includes('bar')))
    .filter((commit) => commit.length > 0);
}

const readBar = ({ config }: PciFunction, index: number): number => config.read(barRegister(index), 4);
const writeBar = (pci: PciFunction, index: number, value: number): void =>
  pci.writeConfig(barRegister(index), 4, value);
const addressesOf = ({ bars }: PciFunction) => bars.map(({ address }) => address);

describe('COMMAND', () => {
  it('has writable bits for I/O, memory, bus mastering and INTx only', () => {
    const { pci } = makeFunction([]);
    pci.writeConfig(COMMAND, 2, 0xffff);
    expect(pci.config.read(COMMAND, 2)).toBe(0x407);
    expect(pci.config.read(PciRegister.STATUS, 2)).toBe(0);
  });

  it.each([
    ['memory', MEM32, PciCommand.MEMORY, PciCommand.IO],
    ['I/O', IO, PciCommand.IO, PciCommand.MEMORY],
  ])('enables and disables a BAR for %s', (_, attributes, enabling, other) => {
    const { pci } = makeFunction([[0, attributes, 0x100n]], true);
    const [bar] = pci.bars;
    writeBar(pci, 0, 0xc000);
    expect(pci.decode(bar!)).toEqual({ unmapped: 'decoding-off' });
    pci.writeConfig(COMMAND, 2, other | PciCommand.BUS_MASTER);
    expect(pci.decode(bar!)).toEqual({ unmapped: 'decoding-off' });
    expect(bar!.address).toBeUndefined();
    pci.writeConfig(COMMAND, 1, enabling);
    expect(pci.decode(bar!)).toEqual({ address: 0xc000n });
    expect(bar!.address).toBe(0xc000n);
    pci.writeConfig(COMMAND, 2, 0);
    expect(bar!.address).toBeUndefined();
  });
});

describe('sizing a BAR reads back the size and type', () => {
  it.each([
    ['of mem32 with 4 KiB', MEM32, 0x1000n, [0xffff_f000]],
    ['of mem32 with 16 bytes', MEM32, 0x10n, [0xffff_fff0]],
    ['of prefetchable mem32 with 1 MiB', { type: 'mem32', prefetchable: true }, 0x10_0000n, [0xfff0_0008]],
    ['of mem32 with 2 GiB', MEM32, 0x8000_0000n, [0x8000_0000]],
    ['of mem32 with 4 GiB, as 0: the register is too short', MEM32, 1n << 32n, [0]],
    ['of mem64 with 64 KiB', MEM64, 0x1_0000n, [0xffff_0004, 0xffff_ffff]],
    ['of prefetchable mem64 with 256 bytes', MEM64P, 0x100n, [0xffff_ff0c, 0xffff_ffff]],
    ['of mem64 with 4 GiB', MEM64, 1n << 32n, [0x4, 0xffff_ffff]],
    ['of mem64 with 1 TiB', MEM64, 1n << 40n, [0x4, 0xffff_ff00]],
    ['of mem64 with 2^63 bytes', MEM64, 1n << 63n, [0x4, 0x8000_0000]],
    ['of I/O with 256 bytes', IO, 0x100n, [0xffff_ff01]],
    ['of I/O with 4 bytes', IO, 4n, [0xffff_fffd]],
  ] as const satisfies readonly (readonly [string, BarAttributes, bigint, readonly number[]])[])(
    '%s',
    (_, attributes, size, expected) => {
      const { pci } = makeFunction([[2, attributes, size]]);
      for (const index of [2, 3]) writeBar(pci, index, ALL_ONES);
      expect([readBar(pci, 2), readBar(pci, 3)].slice(0, expected.length)).toEqual(expected);
      if (expected.length === 1) expect(readBar(pci, 3)).toBe(0);
      for (const index of [2, 3]) writeBar(pci, index, 0);
      expect(readBar(pci, 2)).toBe(barFlags(attributes));
      expect(readBar(pci, 3)).toBe(0);
    },
  );

  it('as 0 for a BAR that is not registered', () => {
    const { pci } = makeFunction([[0, MEM32, 0x1000n]]);
    for (const index of [1, 2, 3, 4, 5]) {
      writeBar(pci, index, ALL_ONES);
      expect(readBar(pci, index)).toBe(0);
    }
  });
});

describe('registering a BAR', () => {
  it.each([0x3000n, 0xfffn, 0x1_0001n, 3n])(
    'of %i bytes is refused, because the size is no power of two',
    (size) => {
      expect(() => makeFunction([[4, MEM32, size]])).toThrow(RangeError);
      expect(() => makeFunction([[4, MEM32, size]])).toThrow(
        `BAR 4 has ${size} bytes, which is no power of two`,
      );
    },
  );

  it('lets bar() find the BAR by its index', () => {
    const { pci } = makeFunction([
      [1, MEM64, 0x1000n],
      [3, IO, 0x20n],
    ]);
    expect(pci.bar(1)).toMatchObject({ index: 1, attributes: MEM64, size: 0x1000n, address: undefined });
    expect(pci.bar(3)!.region.name).toBe('bar3');
    for (const index of [0, 2, 4, 5]) expect(pci.bar(index)).toBeUndefined();
    expect([1, 2, 3].map((index) => readBar(pci, index))).toEqual([4, 0, 1]);
  });

  it('fixes the decoded size, even if the region is resized later', () => {
    const { pci, topology } = makeFunction([[0, MEM32, 0x1000n]]);
    topology.setSize(pci.bars[0]!.region, 0x1_0000n);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    writeBar(pci, 0, 0xd000_3000);
    expect(pci.bars[0]!.address).toBe(0xd000_3000n);
  });
});

describe('BARs are added to their bus', () => {
  it('with priority 1, in the region for I/O or for memory', () => {
    const { pci, ports, space } = makeFunction([
      [0, IO, 0x20n],
      [1, MEM32, 0x1000n],
    ]);
    writeBar(pci, 0, 0xc000);
    writeBar(pci, 1, 0xd000_0000);
    pci.writeConfig(COMMAND, 2, 3);
    expect(ports.view.at(0xc01fn)).toMatchObject({ start: 0xc000n, end: 0xc020n, priority: 1 });
    expect(space.view.at(0xd000_0fffn)).toMatchObject({
      start: 0xd000_0000n,
      end: 0xd000_1000n,
      priority: 1,
    });
    expect(pci.bars.map(({ region }) => region.container?.name)).toEqual(['ports', 'memory']);
  });

  it('in ascending order, each in a commit of its own (pci fact 4.3)', () => {
    const made = makeFunction([
      [0, MEM32, 0x1000n],
      [2, MEM32, 0x1000n],
      [5, MEM32, 0x1000n],
    ]);
    const { pci } = made;
    for (const [index, address] of [
      [5, 0xd000_0000],
      [2, 0xd000_2000],
      [0, 0xd000_1000],
    ] as const) {
      expect(commitsOf(made, () => writeBar(pci, index, address))).toEqual([]);
    }
    expect(commitsOf(made, () => pci.writeConfig(COMMAND, 2, PciCommand.MEMORY))).toEqual([
      ['+bar0 0xd0001000'],
      ['+bar2 0xd0002000'],
      ['+bar5 0xd0000000'],
    ]);
    expect(commitsOf(made, () => pci.writeConfig(COMMAND, 2, 0))).toEqual([
      ['-bar0 0xd0001000'],
      ['-bar2 0xd0002000'],
      ['-bar5 0xd0000000'],
    ]);
  });

  it('again if they move: removed in one commit and added in the next', () => {
    const made = makeFunction([
      [0, MEM32, 0x1000n],
      [1, MEM32, 0x1000n],
    ]);
    const { pci } = made;
    writeBar(pci, 0, 0xd000_0000);
    writeBar(pci, 1, 0xd000_4000);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    expect(commitsOf(made, () => writeBar(pci, 0, 0xd000_2000))).toEqual([
      ['-bar0 0xd0000000'],
      ['+bar0 0xd0002000'],
    ]);
    expect(commitsOf(made, () => writeBar(pci, 0, 0xd000_2000))).toEqual([]);
    // Bits below the size do not move the BAR.
    expect(commitsOf(made, () => writeBar(pci, 0, 0xd000_2ff0))).toEqual([]);
  });

  it('on top of the BARs that were added before', () => {
    const made = makeFunction([
      [0, MEM32, 0x1000n],
      [1, MEM32, 0x1000n],
    ]);
    const { pci, space } = made;
    for (const index of [0, 1]) writeBar(pci, index, 0xd000_0000);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    expect(space.view.at(0xd000_0000n)!.region.name).toBe('bar1');
    writeBar(pci, 0, 0xd000_4000);
    writeBar(pci, 0, 0xd000_0000);
    expect(space.view.at(0xd000_0000n)!.region.name).toBe('bar0');
  });

  it.each([
    [0x0c, 4],
    [0x28, 4],
    [0x05, 1],
    [0x06, 2],
    [0x3c, 1],
  ] as const)('by no write of other registers: at %i, of %i bytes', (at, width) => {
    const made = makeFunction([[0, MEM32, 0x1000n]]);
    const { pci } = made;
    writeBar(pci, 0, 0xd000_0000);
    // The function does not see this write; a later write to COMMAND or a BAR makes it look.
    pci.config.write(COMMAND, 2, PciCommand.MEMORY);
    expect(commitsOf(made, () => pci.writeConfig(at, width, 0))).toEqual([]);
  });

  it.each([
    [0x04, 1],
    [0x04, 2],
    [0x10, 1],
    [0x20, 2],
    [0x27, 1],
  ] as const)('by a write to COMMAND or a BAR: at %i, of %i bytes', (at, width) => {
    const made = makeFunction([[0, MEM32, 0x1000n]]);
    const { pci } = made;
    writeBar(pci, 0, 0xd000_0000);
    pci.config.write(COMMAND, 2, PciCommand.MEMORY);
    expect(commitsOf(made, () => pci.writeConfig(at, width, pci.config.read(at, width)))).toEqual([
      ['+bar0 0xd0000000'],
    ]);
  });

  it('at a new address by a write of a single byte', () => {
    const { pci } = makeFunction([[0, MEM32, 0x1000n]]);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    pci.writeConfig(0x13, 1, 0xd0);
    expect(addressesOf(pci)).toEqual([0xd000_0000n]);
    pci.writeConfig(0x11, 1, 0x1f);
    expect(addressesOf(pci)).toEqual([0xd000_1000n]);
  });
});

describe('a 64-bit BAR', () => {
  it('has its address in both halves, and moves with each write', () => {
    const made = makeFunction([[0, MEM64, 0x1_0000n]]);
    const { pci } = made;
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    writeBar(pci, 0, 0x1_0000);
    expect(commitsOf(made, () => writeBar(pci, 1, 0x2100))).toEqual([
      ['-bar0 0x10000'],
      ['+bar0 0x210000010000'],
    ]);
  });

  it('passes through other addresses while the guest sizes it (pci fact 4.6)', () => {
    const made = makeFunction([[0, MEM64, 0x1_0000n]]);
    const { pci } = made;
    writeBar(pci, 1, 0x2100);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    expect(addressesOf(pci)).toEqual([0x2100_0000_0000n]);
    writeBar(pci, 0, ALL_ONES);
    expect(addressesOf(pci)).toEqual([0x2100_ffff_0000n]);
    writeBar(pci, 1, ALL_ONES);
    expect(addressesOf(pci)).toEqual([undefined]);
    expect(pci.decode(pci.bars[0]!)).toEqual({ unmapped: 'ends-at-top' });
    writeBar(pci, 0, 0);
    expect(addressesOf(pci)).toEqual([0xffff_ffff_0000_0000n]);
  });

  it('at index 5 does not move by a write to its high half, which lies behind the BAR registers', () => {
    const made = makeFunction([[5, MEM64, 0x1000n]]);
    const { pci } = made;
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    writeBar(pci, 5, 0xd000_0000);
    expect(commitsOf(made, () => pci.writeConfig(0x28, 4, 0x2100))).toEqual([]);
    expect(addressesOf(pci)).toEqual([0xd000_0000n]);
    // The next write to COMMAND moves the BAR.
    expect(commitsOf(made, () => pci.writeConfig(COMMAND, 2, PciCommand.MEMORY))).toEqual([
      ['-bar5 0xd0000000'],
      ['+bar5 0x2100d0000000'],
    ]);
  });

  it('shares its high half with a BAR that is registered there', () => {
    const { pci } = makeFunction([
      [0, MEM64, 0x1000n],
      [1, MEM32, 0x1_0000n],
    ]);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    writeBar(pci, 0, 0x3000);
    writeBar(pci, 1, 0xd000_0000);
    expect(addressesOf(pci)).toEqual([0xd000_0000_0000_3000n, 0xd000_0000n]);
    // Bits below the size of BAR 1 are not writable, so BAR 0 loses these bits of its high half.
    writeBar(pci, 1, 0xd000_ffff);
    expect(addressesOf(pci)).toEqual([0xd000_0000_0000_3000n, 0xd000_0000n]);
  });

  it('has the type bits of such a BAR in its address', () => {
    const { pci } = makeFunction([
      [0, MEM64, 0x1000n],
      [1, MEM64P, 0x1000n],
    ]);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    writeBar(pci, 0, 0xd000_0000);
    expect(readBar(pci, 1)).toBe(0xc);
    expect(addressesOf(pci)).toEqual([0xc_d000_0000n, undefined]);
    writeBar(pci, 2, 0x21);
    expect(addressesOf(pci)).toEqual([0xc_d000_0000n, 0x21_0000_0000n]);
    pci.reset();
    expect([0, 1, 2].map((index) => readBar(pci, index))).toEqual([4, 0xc, 0]);
  });
});

describe('a reset', () => {
  it('removes all BARs in ascending order and clears their registers', () => {
    const made = makeFunction([
      [0, MEM64, 0x1000n],
      [2, MEM32, 0x1000n],
      [3, IO, 0x20n],
    ]);
    const { pci } = made;
    writeBar(pci, 0, 0xd000_1000);
    writeBar(pci, 1, 0x21);
    writeBar(pci, 2, 0xd000_0000);
    writeBar(pci, 3, 0xc000);
    pci.writeConfig(COMMAND, 2, 0x407);
    expect(commitsOf(made, () => pci.reset())).toEqual([['-bar0 0x21d0001000'], ['-bar2 0xd0000000']]);
    expect(addressesOf(pci)).toEqual([undefined, undefined, undefined]);
    expect(pci.config.read(COMMAND, 2)).toBe(0);
    expect([0, 1, 2, 3].map((index) => readBar(pci, index))).toEqual([4, 0, 0, 1]);
    expect(commitsOf(made, () => pci.reset())).toEqual([]);
  });

  it('leaves the type bits in the register of a BAR with less than 16 bytes', () => {
    const { pci } = makeFunction([[0, MEM64P, 8n]], true);
    expect(readBar(pci, 0)).toBe(0xc);
    writeBar(pci, 0, 0xd000_0000);
    pci.reset();
    expect(readBar(pci, 0)).toBe(0xc);
  });
});

describe('a reset of parts', () => {
  /** A function with BAR 0 of 64 bits and BAR 2 of 32 bits, both mapped. */
  function makeMapped(rules?: PciRules): PciFunction {
    const bars = [
      [0, MEM64, 0x1000n],
      [2, MEM32, 0x1000n],
    ] as const;
    const { pci } = makeFunction(bars, false, rules);
    for (const [index, value] of [0xd000_1000, 0x21, 0xd000_0000].entries()) writeBar(pci, index, value);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    return pci;
  }

  const state = (pci: PciFunction) => ({
    command: pci.config.read(COMMAND, 2),
    registers: [0, 1, 2].map((index) => readBar(pci, index)),
    addresses: addressesOf(pci),
  });

  const SET = [0xd000_1004, 0x21, 0xd000_0000];
  const MAPPED = [0x21_d000_1000n, 0xd000_0000n];
  const NOWHERE = [undefined, undefined];

  it.each([
    [
      { command: true, bars: false },
      { command: 0, registers: SET, addresses: NOWHERE },
    ],
    [
      { command: false, bars: true },
      { command: PciCommand.MEMORY, registers: [4, 0, 0], addresses: NOWHERE },
    ],
    [
      { command: false, bars: false },
      { command: PciCommand.MEMORY, registers: SET, addresses: MAPPED },
    ],
  ])('resets %o only', (parts, expected) => {
    const pci = makeMapped();
    pci.reset(parts);
    expect(state(pci)).toEqual(expected);
  });

  it('does not move BARs where the rules forbid it', () => {
    const pci = makeMapped({ ...QEMU_PCI, movesOnReset: false });
    pci.reset();
    expect(state(pci)).toEqual({ command: 0, registers: [4, 0, 0], addresses: MAPPED });
  });

  it('clears no register behind a BAR of 32 bits', () => {
    const { pci } = makeFunction([[0, MEM32, 0x1000n]]);
    pci.config.set(barRegister(1), 4, 0x1234);
    pci.reset();
    expect(readBar(pci, 1)).toBe(0x1234);
  });
});

describe('a write that the rules do not accept', () => {
  /** Software's writes to BARs count only while decoding is off. */
  const rules: PciRules = { ...QEMU_PCI, acceptsWrite: (_, isDecoding) => !isDecoding };

  it('changes no BAR, and is told whether COMMAND enables memory', () => {
    const { pci } = makeFunction([[0, MEM32, 0x1000n]], false, rules);
    writeBar(pci, 0, 0xd000_0000);
    pci.writeConfig(COMMAND, 2, PciCommand.IO);
    writeBar(pci, 0, 0xd000_1000);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    writeBar(pci, 0, 0xd000_2000);
    expect([readBar(pci, 0), ...addressesOf(pci)]).toEqual([0xd000_1000, 0xd000_1000n]);
  });

  it('is one to a BAR: others count', () => {
    const { pci } = makeFunction([[0, MEM32, 0x1000n]], false, { ...QEMU_PCI, acceptsWrite: () => false });
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    expect(pci.config.read(COMMAND, 2)).toBe(PciCommand.MEMORY);
  });
});

describe('a write beside COMMAND', () => {
  it.each([
    ['in front of it', 0],
    ['behind it', PciRegister.STATUS],
  ])('%s moves no BAR', (_, at) => {
    let asked = 0;
    const rules: PciRules = { ...QEMU_PCI, hasMoved: () => ++asked < 0 };
    const { pci } = makeFunction([[0, MEM32, 0x1000n]], false, rules);
    pci.writeConfig(at, 2, 0xffff);
    expect(asked).toBe(0);
    pci.writeConfig(COMMAND, 1, 2);
    expect(asked).toBe(1);
  });
});

describe('unmapAll', () => {
  it('leaves the BARs where the rules forget to remove them', () => {
    const made = makeFunction([[0, MEM32, 0x1000n]], false, { ...QEMU_PCI, unmapsOnUnplug: false });
    writeBar(made.pci, 0, 0xd000_0000);
    made.pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    expect(commitsOf(made, () => made.pci.unmapAll())).toEqual([]);
    expect(addressesOf(made.pci)).toEqual([0xd000_0000n]);
  });

  it('removes the BARs from the bus and does not change their registers', () => {
    const made = makeFunction([
      [0, MEM32, 0x1000n],
      [1, MEM32, 0x1000n],
    ]);
    const { pci } = made;
    writeBar(pci, 0, 0xd000_0000);
    pci.writeConfig(COMMAND, 2, PciCommand.MEMORY);
    expect(commitsOf(made, () => pci.unmapAll())).toEqual([['-bar0 0xd0000000']]);
    expect(addressesOf(pci)).toEqual([undefined, undefined]);
    expect(pci.bars[0]!.region.container).toBeUndefined();
    expect(readBar(pci, 0)).toBe(0xd000_0000);
    expect(commitsOf(made, () => pci.unmapAll())).toEqual([]);
  });
});

describe('the power state (pci fact 4.2)', () => {
  const MEMORY = PciCommand.MEMORY;
  const powered = (rules: PciRules) => {
    const topology = new MemoryTopology();
    const memory = MemoryRegion.container('memory', END_OF_SPACE);
    const io = MemoryRegion.container('io', 0x1_0000n);
    const dmaSpace = topology.createAddressSpace('memory', memory);
    const pci = new PciFunction({ topology, memory, io, dmaSpace, addressZeroAllowed: false }, rules);
    pci.registerBar(0, MEM32, MemoryRegion.io('BAR 0', 0x1000n));
    pci.writeConfig(barRegister(0), 4, 0xc000_0000);
    pci.writeConfig(COMMAND, 2, MEMORY);
    return pci;
  };

  it('is D0 at first', () => {
    const pci = powered({ ...QEMU_PCI, decodesOutsideD0: false });
    expect([pci.isInD0, pci.bar(0)!.address]).toEqual([true, 0xc000_0000n]);
  });

  it('unmaps the BARs outside of D0 and maps them again', () => {
    const pci = powered({ ...QEMU_PCI, decodesOutsideD0: false });
    pci.setInD0(false);
    expect(pci.bar(0)!.address).toBeUndefined();
    expect(pci.decode(pci.bar(0)!)).toEqual({ unmapped: 'no-power' });
    pci.setInD0(true);
    expect(pci.bar(0)!.address).toBe(0xc000_0000n);
  });

  it('does not matter before 10.0, and is D0 after a reset', () => {
    const pci = powered(QEMU_PCI);
    pci.setInD0(false);
    expect(pci.bar(0)!.address).toBe(0xc000_0000n);
    expect(pci.isInD0).toBe(false);
    pci.reset();
    expect(pci.isInD0).toBe(true);
  });
});
