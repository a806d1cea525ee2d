import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Operation, Scenario } from '../src/scenario/index.ts';
import { scenarios } from './index.ts';

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
  });

  it('change no region where a real machine has to show the scenario, and enable ports there', () => {
    const realistic = drawn({ realistic: true });
    expect(
      realistic.filter((scenario) => has(scenario, ['make-readonly', 'make-writable', 'shift-alias'])),
    ).toEqual([]);
    expect(realistic.some((scenario) => has(scenario, ['enable-io']))).toBe(true);
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
