import { beforeEach, describe, expect, it } from 'vitest';
import { END_OF_SPACE, hex, offset } from '../address/index.ts';
import type { AddressSpace } from './address-space.ts';
import { MemoryRegion } from './memory-region.ts';
import { QEMU_MEMORY, type MemoryRules, type RegionChange } from './memory-rules.ts';
import { MemoryTopology } from './memory-topology.ts';
import { settleClaims } from './settle-claims.ts';

const PAGE = 0x1000n;

let topology: MemoryTopology;
let system: MemoryRegion;
let memory: AddressSpace;
/** Calls of the listener. */
let log: string[];

/** Makes a machine with these rules in place of QEMU's, and a listener. */
function start(rules: Partial<MemoryRules>): void {
  topology = new MemoryTopology({ ...QEMU_MEMORY, ...rules });
  system = MemoryRegion.container('system', END_OF_SPACE);
  memory = topology.createAddressSpace('memory', system);
  log = [];
  topology.registerListener(
    {
      name: 'log',
      priority: 0,
      begin: () => void log.push('begin'),
      regionAdd: ({ start, region }) => void log.push(`add ${hex(start)} ${region.name}`),
      regionDel: ({ start, region }) => void log.push(`del ${hex(start)} ${region.name}`),
      commit: () => void log.push('commit'),
    },
    memory,
  );
  log = [];
}

const put = (region: MemoryRegion, page: bigint, into = system): MemoryRegion => {
  topology.addSubregion(into, region, offset(page * PAGE));
  return region;
};
const ram = (name: string, pages = 1n): MemoryRegion => MemoryRegion.ram(name, pages * PAGE);
const shown = (): string[] => memory.view.ranges.map(({ start, region }) => `${hex(start)} ${region.name}`);

describe('the rule notices', () => {
  const asked: RegionChange[] = [];
  beforeEach(() => {
    start({
      notices: (change) => {
        asked.push(change);
        return true;
      },
    });
    asked.length = 0;
  });

  it('is asked about each change of a region, by the name of the change', () => {
    const region = put(ram('ram'), 0n);
    topology.setEnabled(region, false);
    topology.setEnabled(region, true);
    topology.setSize(region, 2n * PAGE);
    topology.setReadonly(region, true);
    expect(asked).toEqual(['add', 'enable', 'enable', 'size', 'readonly']);
  });

  it('is asked about a move as about a removal and an addition', () => {
    const region = put(ram('ram'), 0n);
    asked.length = 0;
    topology.setAddress(region, offset(PAGE));
    expect(asked).toEqual(['remove', 'add']);
  });

  it('is asked about each of many regions that are added at once', () => {
    topology.addSubregions(
      system,
      ['a', 'b'].map((name, at) => ({ region: ram(name), address: offset(BigInt(at) * PAGE), priority: 0 })),
    );
    expect(asked).toEqual(['add', 'add']);
  });

  it('is asked about the mode of a ROM device and the offset of an alias', () => {
    const rom = put(MemoryRegion.romDevice('rom', PAGE), 0n);
    const alias = put(MemoryRegion.alias('alias', rom, offset(0n), PAGE), 1n);
    asked.length = 0;
    topology.setRomdMode(rom, false);
    topology.setAliasOffset(alias, offset(0x10n));
    expect(asked).toEqual(['romd-mode', 'alias-offset']);
  });

  it('is not asked about a region that is disabled, or whose container is (memory fact 1.7)', () => {
    const disabled = ram('disabled');
    topology.setEnabled(disabled, false);
    const container = MemoryRegion.container('container', END_OF_SPACE);
    topology.setEnabled(container, false);
    const another = ram('another');
    topology.setEnabled(another, false);
    asked.length = 0;
    put(disabled, 0n);
    put(ram('inside'), 0n, container);
    topology.addSubregions(system, [{ region: another, address: offset(PAGE), priority: 0 }]);
    topology.addSubregions(container, [{ region: ram('b'), address: offset(PAGE), priority: 0 }]);
    topology.removeSubregion(disabled);
    topology.setReadonly(disabled, true);
    expect(asked).toEqual([]);
  });

  it('leaves a change that it does not notice to the next update', () => {
    start({ notices: (change) => change !== 'size' });
    const region = put(ram('ram'), 0n);
    log = [];
    topology.setSize(region, 2n * PAGE);
    expect(log).toEqual([]);
    expect(memory.view.ranges.map(({ size }) => size)).toEqual([PAGE]);
    put(ram('other'), 5n);
    expect(memory.view.ranges.map(({ size }) => size)).toEqual([2n * PAGE, PAGE]);
  });
});

describe('the rule commits', () => {
  const nested = (): readonly string[] => {
    let inside: readonly string[] = [];
    topology.transaction(() => {
      put(ram('ram'), 0n);
      inside = shown();
    });
    return inside;
  };

  it('lets a nested commit change the views if it is "every"', () => {
    start({ commits: 'every' });
    expect(nested()).toEqual(['0x0 ram']);
  });

  it('leaves the views to the outermost commit if it is "outermost"', () => {
    start({ commits: 'outermost' });
    expect(nested()).toEqual([]);
    expect(shown()).toEqual(['0x0 ram']);
  });
});

describe('the rule settle', () => {
  it('decides over views that are updated, also where no window reaches', () => {
    let hidden = 'none';
    start({
      settle: (claims, mergeable) =>
        settleClaims(
          claims.filter(({ region }) => region.name !== hidden),
          mergeable,
        ),
    });
    put(ram('a'), 0n);
    put(ram('b'), 4n);
    expect(shown()).toEqual(['0x0 a', '0x4000 b']);
    hidden = 'a';
    log = [];
    put(ram('c'), 8n);
    expect(shown()).toEqual(['0x4000 b', '0x8000 c']);
    expect(log).toEqual(['begin', 'del 0x0 a', 'add 0x8000 c', 'commit']);
  });
});

describe('the rule mergeable', () => {
  it('decides over the ranges of an update as over those of the first view', () => {
    start({ mergeable: () => false });
    const target = ram('ram', 2n);
    put(MemoryRegion.alias('low', target, offset(0n), PAGE), 0n);
    put(MemoryRegion.alias('high', target, offset(PAGE), PAGE), 1n);
    expect(shown()).toEqual(['0x0 ram', '0x1000 ram']);
    start({});
    put(MemoryRegion.alias('low', target, offset(0n), PAGE), 0n);
    put(MemoryRegion.alias('high', target, offset(PAGE), PAGE), 1n);
    expect(shown()).toEqual(['0x0 ram']);
  });
});

describe('the rule sameRange', () => {
  it('lets listeners hear of a range that QEMU takes for the same', () => {
    start({ sameRange: () => false });
    const region = put(ram('ram'), 0n);
    log = [];
    topology.setEnabled(region, true);
    expect(log).toEqual([]);
    topology.transaction(() => {
      topology.setEnabled(region, false);
      topology.setEnabled(region, true);
    });
    expect(log).toEqual(['begin', 'del 0x0 ram', 'add 0x0 ram', 'commit']);
  });

  it('of QEMU keeps a range that is the same after a transaction', () => {
    start({});
    const region = put(ram('ram'), 0n);
    const { view } = memory;
    log = [];
    topology.transaction(() => {
      topology.setEnabled(region, false);
      topology.setEnabled(region, true);
    });
    expect(log).toEqual(['begin', 'commit']);
    expect(memory.view).toBe(view);
  });
});
