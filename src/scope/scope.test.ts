import { describe, expect, it } from 'vitest';
import { decodeScenario, encodeScenario, toJsonLine } from '../scenario/index.ts';
import { msixPbaRange, msixTableRange } from '../pci-layout/index.ts';
import { LARGE_PAGE, ProofScope, SMALL_PAGE } from './index.ts';
import { sequencesUpTo } from './sequences.ts';

const scope = (pages: number, operations: number): ProofScope =>
  new ProofScope({ revision: 'qemu-11.1', iommuTypes: ['type1', 'iommufd'], pages, operations });

/** The first scenarios of each layout, surroundings and sequence, and every 97th. */
const someOf = (all: ProofScope) =>
  Array.from({ length: Math.ceil(all.size / 97) }, (_, index) => all.scenario(index * 97));

describe('a scope', () => {
  it('has only scenarios that barproof accepts from a file', () => {
    for (const scenario of someOf(scope(1, 1))) {
      expect(decodeScenario(JSON.parse(toJsonLine(encodeScenario(scenario))))).toEqual(scenario);
    }
  });

  it('has no scenario twice', () => {
    const all = scope(1, 0);
    const texts = new Set(Array.from({ length: all.size }, (_, number) => toJsonLine(all.scenario(number))));
    expect(texts.size).toBe(all.size);
    expect(all.size).toBe(all.layouts.length * all.surroundings.length);
  });

  it('has the smaller scope at its beginning, as far as operations go', () => {
    const [small, large] = [scope(1, 0), scope(1, 1)];
    for (const number of [0, 1000, small.size - 1]) {
      expect(large.scenario(number)).toEqual(small.scenario(number));
    }
  });

  it.each([-1, 0.5, Infinity])('has no scenario %d', (number) => {
    expect(() => scope(1, 0).scenario(number)).toThrow(RangeError);
  });

  it('ends with the scenario before its size', () => {
    const all = scope(1, 0);
    expect(() => all.scenario(all.size)).toThrow(RangeError);
  });

  it('has only surroundings that the revision supports', () => {
    const all = new ProofScope({ revision: 'seed-v2', iommuTypes: ['type1'], pages: 1, operations: 0 });
    expect(new Set(all.surroundings.map(({ host }) => host.iommu.type))).toEqual(new Set(['type1']));
  });
});

describe('the layouts of a scope', () => {
  const { layouts } = scope(2, 0);

  it('keep table and PBA apart and in their BARs', () => {
    for (const { msix, bars } of layouts) {
      if (msix === undefined) continue;
      const [table, pba] = [msixTableRange(msix), msixPbaRange(msix)];
      const sizeOf = (index: number) => bars.find((bar) => bar.index === index)!.size;
      expect(table.end).toBeLessThanOrEqual(sizeOf(msix.tableBar));
      expect(pba.end).toBeLessThanOrEqual(sizeOf(msix.pbaBar));
      if (msix.pbaBar === msix.tableBar) expect(pba.end <= table.start || table.end <= pba.start).toBe(true);
    }
  });

  it('have each way in which a table can touch the pages of a BAR', () => {
    const size = 2n * LARGE_PAGE;
    const ways = new Set(
      layouts.flatMap(({ msix, bars }) => {
        if (msix === undefined || bars[0]!.size !== size) return [];
        const { start, end } = msixTableRange(msix);
        const last = end - 1n;
        const touch = `${start % SMALL_PAGE === 0n} ${end % SMALL_PAGE === 0n}`;
        return [`${start / SMALL_PAGE}-${last / SMALL_PAGE} ${touch}`];
      }),
    );
    for (let page = 0n; page < size / SMALL_PAGE; page++) {
      for (const touch of ['true true', 'true false', 'false false', 'false true']) {
        expect(ways).toContain(`${page}-${page} ${touch}`);
      }
      if (page > 0n) expect(ways).toContain(`${page - 1n}-${page} false false`);
    }
  });
});

describe('sequencesUpTo', () => {
  it('has each sequence of steps in which plugging makes sense', () => {
    // After the start 9 steps are possible; after an unplug only a hotplug and a reset.
    expect([0, 1, 2].map((most) => sequencesUpTo(most).length)).toEqual([1, 10, 10 + 8 * 9 + 2]);
    expect(new Set(sequencesUpTo(3).map((sequence) => sequence.join())).size).toBe(sequencesUpTo(3).length);
  });

  it('never plugs in a device twice, and never uses one that is unplugged', () => {
    for (const sequence of sequencesUpTo(3)) {
      let isPlugged = true;
      for (const step of sequence) {
        if (step !== 'reset') expect(step === 'hotplug').toBe(!isPlugged);
        if (step === 'hotplug' || step === 'unplug') isPlugged = step === 'hotplug';
      }
    }
  });
});
