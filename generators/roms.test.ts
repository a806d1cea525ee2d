import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRealistic, type Scenario } from '../src/scenario/index.ts';
import { scenarios, servedScenarios } from './index.ts';
import { ROM_SHARE } from './roms.ts';

const CASES = 1_500;
const sample = (arbitrary: fc.Arbitrary<Scenario>): readonly Scenario[] =>
  fc.sample(arbitrary, { seed: 6, numRuns: CASES });
const hasRom = ({ devices }: Scenario): boolean => devices.some(({ rom }) => rom !== undefined);

describe('expansion ROMs in generated scenarios', () => {
  const drawn = sample(scenarios());

  it('have the stated share, and change nothing else of a scenario', () => {
    const without = sample(scenarios({ roms: false }));
    expect(without.some(hasRom)).toBe(false);
    const share = (100 * drawn.filter(hasRom).length) / CASES;
    expect(Math.abs(share - ROM_SHARE)).toBeLessThan(3);
    for (const [index, { operations }] of without.entries())
      expect(drawn[index]!.operations.slice(0, operations.length)).toEqual(operations);
  });

  it('lie at free places in a window where a real machine has to show them', () => {
    const real = sample(scenarios({ realistic: true }));
    expect(real.filter(hasRom).length).toBeGreaterThan(CASES / 10);
    expect(real.filter((scenario) => !isRealistic(scenario))).toEqual([]);
  });

  it('are drawn for a real QEMU, too', () => {
    const served = sample(servedScenarios('q35')).filter(hasRom);
    expect(served.length).toBeGreaterThan(CASES / 10);
    const options = new Set(
      served.flatMap(({ devices }) => devices.flatMap((one) => Object.keys(one.options))),
    );
    expect([...options].toSorted()).toEqual(['rombar', 'romfile']);
  });
});
