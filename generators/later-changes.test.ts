import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Operation, Scenario } from '../src/scenario/index.ts';
import { scenarios } from './index.ts';

const isDimm = (operation: Operation): boolean => 'name' in operation && operation.name === 'dimm';

const CASES = 1_500;
const drawn = (constraints: Parameters<typeof scenarios>[0]): readonly Scenario[] =>
  fc.sample(scenarios(constraints), { seed: 4, numRuns: CASES });

/** The operations that only a model runs, or that no firmware does. */
const LATER: readonly Operation['op'][] = [
  'enable-io',
  'disable-io',
  'make-readonly',
  'make-writable',
  'shift-alias',
];
const has = ({ operations }: Scenario, ops: readonly string[]): boolean =>
  operations.some(({ op }) => ops.includes(op));

describe('changes at the end of scenarios', () => {
  it('are not drawn for targets other than the model', () => {
    expect(drawn({ overlays: false }).filter((scenario) => has(scenario, LATER))).toEqual([]);
    expect(drawn({ overlays: false }).some(({ operations }) => operations.some(isDimm))).toBe(false);
  });

  it('of realistic scenarios change no region, and enable ports', () => {
    const realistic = drawn({ realistic: true });
    expect(
      realistic.filter((scenario) => has(scenario, ['make-readonly', 'make-writable', 'shift-alias'])),
    ).toEqual([]);
    expect(realistic.some((scenario) => has(scenario, ['enable-io']))).toBe(true);
  });

  it('plug a DIMM into pseries alone, behind RAM, and unplug it', () => {
    const dimms = drawn({}).filter(({ operations }) => operations.some(isDimm));
    expect(dimms.length).toBeGreaterThan(10);
    for (const { machine, operations } of dimms) {
      const [added, removed] = operations.filter(isDimm);
      expect(machine.type).toBe('pseries');
      expect(added).toMatchObject({ op: 'add-region', kind: 'ram' });
      if (added!.op === 'add-region') {
        expect(added.address).toBeGreaterThanOrEqual(machine.ram);
        expect((added.address | added.size) % (256n << 20n)).toBe(0n);
      }
      expect(removed).toMatchObject({ op: 'remove-region' });
    }
  });

  it('come last: what stands before them is the scenario without them', () => {
    const scenario = drawn({}).find((one) => has(one, ['shift-alias']))!;
    const at = scenario.operations.findIndex(({ op }) => op === 'shift-alias');
    expect(
      scenario.operations.slice(at + 1).every(({ op }) => op === 'access-bar' || op === 'make-readonly'),
    ).toBe(true);
    expect(scenario.operations[at - 1]).toMatchObject({ op: 'add-region', name: 'changed' });
  });
});
