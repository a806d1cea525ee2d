import { describe, expect, it } from 'vitest';
import { hex, type Range } from '../address/index.ts';
import { QEMU_MEMORY } from './memory-rules.ts';
import { RamDiscardManager, type RamDiscardListener } from './ram-discard-manager.ts';

const BLOCK = 0x20_0000n;
const SECTION = { start: 0x1_0000_0000n, end: 0x1_0080_0000n, offset: 0n };
const blocks = (first: bigint, count: bigint): Range => ({
  start: first * BLOCK,
  end: (first + count) * BLOCK,
});

/** A listener that writes down what it is told, and refuses parts from `limit` on. */
function listen(limit = 1n << 60n): RamDiscardListener & { take(): string[] } {
  let log: string[] = [];
  const note = (verb: string, { start, end }: Range): void =>
    void log.push(`${verb} ${hex(start)}-${hex(end)}`);
  return {
    populate(part) {
      note('populate', part);
      return part.start < limit;
    },
    discard: (part) => note('discard', part),
    take() {
      const taken = log;
      log = [];
      return taken;
    },
  };
}

const make = (rules = {}) => new RamDiscardManager(BLOCK, { ...QEMU_MEMORY, ...rules });

describe('RAM of virtio-mem (memory fact 1.10)', () => {
  it('has no block plugged at first', () => {
    const memory = make();
    const listener = listen();
    memory.register(SECTION, listener);
    expect([memory.plugged, listener.take()]).toEqual([[], []]);
  });

  it('tells a listener of plugged and unplugged blocks', () => {
    const memory = make();
    const listener = listen();
    memory.register(SECTION, listener);
    memory.plug(blocks(0n, 2n));
    memory.unplug(blocks(1n, 1n));
    expect(listener.take()).toEqual(['populate 0x0-0x400000', 'discard 0x200000-0x400000']);
    expect(memory.plugged).toEqual([blocks(0n, 1n)]);
  });

  it('does nothing where a block is in the wanted state already', () => {
    const memory = make();
    memory.plug(blocks(0n, 1n));
    const listener = listen();
    memory.register(SECTION, listener);
    expect(listener.take()).toEqual(['populate 0x0-0x200000']);
    memory.plug(blocks(0n, 2n));
    memory.unplug(blocks(0n, 2n));
    expect([memory.plugged, listener.take()]).toEqual([[blocks(0n, 1n)], []]);
  });

  it('tells a listener only of the part that its section shows', () => {
    const memory = make();
    const listener = listen();
    memory.register({ start: 0x1_0020_0000n, end: 0x1_0040_0000n, offset: BLOCK }, listener);
    memory.plug(blocks(0n, 4n));
    expect(listener.take()).toEqual(['populate 0x200000-0x400000']);
  });

  it('tells a new listener of each plugged stretch, up to the first that the listener refuses', () => {
    const memory = make();
    for (const first of [0n, 2n]) memory.plug(blocks(first, 1n));
    const refusing = listen(0n);
    memory.register(SECTION, refusing);
    expect(refusing.take()).toEqual(['populate 0x0-0x200000']);
    const listener = listen();
    memory.register(SECTION, listener);
    expect(listener.take()).toEqual(['populate 0x0-0x200000', 'populate 0x400000-0x600000']);
  });

  it('plugs nothing if a listener refuses, and tells the others to discard', () => {
    const memory = make();
    const [first, last] = [listen(0n), listen()];
    memory.register(SECTION, first);
    memory.register(SECTION, last);
    memory.plug(blocks(0n, 1n));
    expect(memory.plugged).toEqual([]);
    expect([last.take(), first.take()]).toEqual([
      ['populate 0x0-0x200000', 'discard 0x0-0x200000'],
      ['populate 0x0-0x200000'],
    ]);
  });

  it('plugs blocks in spite of a refusal where the rules ignore it', () => {
    const memory = make({ plugRefusal: 'ignored' });
    memory.register(SECTION, listen(0n));
    memory.plug(blocks(0n, 1n));
    expect(memory.plugged).toEqual([blocks(0n, 1n)]);
  });

  it('tells listeners to discard whole sections at a reset, and when they leave', () => {
    const memory = make();
    const [first, second] = [listen(), listen()];
    memory.register(SECTION, first);
    memory.register(SECTION, second);
    memory.plug(blocks(1n, 1n));
    first.take();
    second.take();
    memory.unregister(second);
    memory.unregister(second);
    memory.unplugAll();
    memory.unplugAll();
    memory.unregister(first);
    expect([second.take(), first.take()]).toEqual([['discard 0x0-0x800000'], ['discard 0x0-0x800000']]);
    expect(memory.plugged).toEqual([]);
  });

  it('tells a listener nothing of blocks that its section does not show', () => {
    const memory = make();
    const listener = listen();
    memory.register({ ...SECTION, end: SECTION.start + BLOCK, offset: BLOCK }, listener);
    memory.plug(blocks(2n, 1n));
    memory.unplug(blocks(2n, 1n));
    expect(listener.take()).toEqual([]);
    memory.plug(blocks(2n, 1n));
    memory.register({ ...SECTION, end: SECTION.start + BLOCK }, listener);
    expect(listener.take()).toEqual([]);
  });

  it('tells each listener to discard its own part of blocks that another one refuses', () => {
    const memory = make();
    const [refusing, lower, upper] = [listen(0n), listen(), listen()];
    memory.register(SECTION, refusing);
    memory.register({ ...SECTION, end: SECTION.start + BLOCK }, lower);
    memory.register({ ...SECTION, start: SECTION.start + BLOCK, offset: BLOCK }, upper);
    memory.plug(blocks(0n, 2n));
    expect([lower.take(), upper.take()]).toEqual([
      ['populate 0x0-0x200000', 'discard 0x0-0x200000'],
      ['populate 0x200000-0x400000', 'discard 0x200000-0x400000'],
    ]);
  });

  it('joins blocks that are plugged one by one, and unplugs them at once or in the middle', () => {
    const memory = make();
    for (const first of [0n, 1n, 2n]) memory.plug(blocks(first, 1n));
    expect(memory.plugged).toEqual([blocks(0n, 3n)]);
    memory.unplug(blocks(1n, 1n));
    expect(memory.plugged).toEqual([blocks(0n, 1n), blocks(2n, 1n)]);
    memory.unplug(blocks(0n, 3n));
    expect(memory.plugged).toEqual([blocks(0n, 1n), blocks(2n, 1n)]);
    memory.unplug(blocks(2n, 1n));
    expect(memory.plugged).toEqual([blocks(0n, 1n)]);
  });

  it('tells a listener that leaves nothing if no block is plugged, and nothing afterwards', () => {
    const memory = make();
    const [leaving, staying] = [listen(), listen()];
    memory.register(SECTION, leaving);
    memory.register(SECTION, staying);
    memory.unregister(leaving);
    memory.unplugAll();
    expect([leaving.take(), staying.take()]).toEqual([[], []]);
    memory.plug(blocks(0n, 1n));
    expect([leaving.take(), staying.take()]).toEqual([[], ['populate 0x0-0x200000']]);
  });

  it.each(['unplug', 'unplug-all', 'unregister'] as const)(
    'tells listeners to discard for all reasons but %s if the rules leave that one out',
    (left) => {
      const told = {
        unplug: 'discard 0x0-0x200000',
        'unplug-all': 'discard 0x0-0x800000',
        unregister: 'discard 0x0-0x800000',
      };
      const memory = make({ notifiesDiscard: (why: string) => why !== left });
      const listener = listen();
      const acts = {
        unplug: () => memory.unplug(blocks(0n, 1n)),
        'unplug-all': () => memory.unplugAll(),
        unregister: () => memory.unregister(listener),
      };
      for (const why of ['unplug', 'unplug-all', 'unregister'] as const) {
        memory.register(SECTION, listener);
        memory.plug(blocks(0n, 1n));
        listener.take();
        acts[why]();
        expect(listener.take()).toEqual(why === left ? [] : [told[why]]);
        memory.unregister(listener);
        listener.take();
      }
    },
  );

  it('tells a new listener what the rules name of the plugged blocks', () => {
    const asked: unknown[] = [];
    const memory = make({
      replayed: (plugged: readonly Range[], section: Range) => {
        asked.push(plugged, section);
        return plugged.slice(1);
      },
    });
    for (const first of [0n, 2n]) memory.plug(blocks(first, 1n));
    const listener = listen();
    memory.register(SECTION, listener);
    expect(listener.take()).toEqual(['populate 0x400000-0x600000']);
    expect(asked).toEqual([[blocks(0n, 1n), blocks(2n, 1n)], SECTION]);
  });

  it('replays to a listener without registering it', () => {
    const memory = make();
    memory.plug(blocks(0n, 1n));
    const listener = listen();
    memory.replay(SECTION, listener);
    memory.plug(blocks(1n, 1n));
    expect(listener.take()).toEqual(['populate 0x0-0x200000']);
  });

  it('keeps the same list until a block changes', () => {
    const memory = make();
    const { plugged } = memory;
    memory.unplugAll();
    expect(memory.plugged).toBe(plugged);
  });
});
