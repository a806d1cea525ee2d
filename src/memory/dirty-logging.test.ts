import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { isLoggable } from './dirty-logging.ts';
import { QEMU_MEMORY, type MemoryRules } from './memory-rules.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

const PAGE = 0x1000n;

function make(rules: Partial<MemoryRules> = {}) {
  const topology = new MemoryTopology({ ...QEMU_MEMORY, ...rules });
  const root = MemoryRegion.container('memory', END_OF_SPACE);
  topology.addSubregion(root, MemoryRegion.ram('ram', PAGE), offset(0n));
  topology.addSubregion(root, MemoryRegion.ramDevice('bar', PAGE), offset(PAGE));
  const space = topology.createAddressSpace('memory', root);
  const log: string[] = [];
  for (const [name, priority] of [
    ['high', 10],
    ['low', 0],
  ] as const) {
    topology.registerListener(
      {
        name,
        priority,
        logStart: ({ region }) => void log.push(`${name} start ${region.name}`),
        logStop: ({ region }) => void log.push(`${name} stop ${region.name}`),
        ...(name === 'high' && { logGlobalStart: () => void log.push('global start') }),
        ...(name === 'low' && { begin: () => void log.push('begin'), commit: () => void log.push('commit') }),
      },
      space,
    );
  }
  log.length = 0;
  return { topology, log };
}

describe('logging of dirty pages (memory fact 3.7)', () => {
  it('is told of each range of RAM, of its beginning to the lowest priority first', () => {
    const { topology, log } = make();
    topology.dirtyLogging.set(true);
    expect(log).toEqual(['global start', 'begin', 'low start ram', 'high start ram', 'commit']);
  });

  it('is told of its end in the opposite order, and of no change twice', () => {
    const { topology, log } = make();
    topology.dirtyLogging.set(true);
    topology.dirtyLogging.set(true);
    log.length = 0;
    topology.dirtyLogging.set(false);
    topology.dirtyLogging.set(false);
    expect(log).toEqual(['begin', 'high stop ram', 'low stop ram', 'commit']);
  });

  it('goes untold where the rules say so', () => {
    const { topology, log } = make({ notifiesLogging: (change) => change === 'stop' });
    topology.dirtyLogging.set(true);
    expect([topology.dirtyLogging.isOn, log]).toEqual([true, []]);
  });

  it('is asked of the rules by the name of the change, and told of the end alone if they say so', () => {
    const asked: string[] = [];
    const { topology, log } = make({
      notifiesLogging: (change) => {
        asked.push(change);
        return change === 'stop';
      },
    });
    for (const isOn of [true, false]) topology.dirtyLogging.set(isOn);
    expect(asked).toEqual(['start', 'stop']);
    expect(log).toEqual(['begin', 'high stop ram', 'low stop ram', 'commit']);
  });

  it('is told of RAM in each address space', () => {
    const { topology, log } = make();
    const root = MemoryRegion.container('other', END_OF_SPACE);
    topology.addSubregion(root, MemoryRegion.ram('more', PAGE), offset(0n));
    const heard = { name: 'more', priority: 0, logStart: () => void log.push('start more') };
    const space = topology.createAddressSpace('other', root);
    topology.registerListener(heard, space);
    topology.registerListener({ name: 'deaf', priority: 0 }, space);
    log.length = 0;
    topology.dirtyLogging.set(true);
    expect(log).toEqual(['global start', 'begin', 'low start ram', 'high start ram', 'start more', 'commit']);
    topology.dirtyLogging.set(false);
    expect(log.filter((line) => line.includes('more'))).toEqual(['start more']);
  });

  it('takes in ROM and flash, and neither memory of devices nor protected memory', () => {
    const kinds = [
      MemoryRegion.ram('ram', PAGE),
      MemoryRegion.rom('rom', PAGE),
      MemoryRegion.romDevice('flash', PAGE),
      MemoryRegion.ramDevice('bar', PAGE),
      MemoryRegion.ram('enclave', PAGE, { isProtected: true }),
      MemoryRegion.io('io', PAGE),
    ];
    expect(kinds.filter(isLoggable).map(({ name }) => name)).toEqual(['ram', 'rom', 'flash']);
  });
});
