import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NAMED_HOSTS, type Scenario } from '../src/scenario/index.ts';
import { scenarios } from './index.ts';

describe('hosts that people have', () => {
  const drawn: readonly Scenario[] = fc.sample(scenarios(), { numRuns: 4_000, seed: 1 });

  it('are all drawn, in a fifth to two fifths of the scenarios of machines that they run', () => {
    for (const { cpu, kernel, hostPageSize } of NAMED_HOSTS) {
      const found = drawn.some(
        ({ machine, host }) =>
          machine.cpu === cpu && host.kernel === kernel && machine.hostPageSize === hostPageSize,
      );
      expect(found).toBe(true);
    }
    const fitting = drawn.filter(({ machine }) => machine.type !== 'generic');
    const share = fitting.filter(({ machine }) => machine.cpu !== undefined).length / fitting.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.4);
  });

  it('have RAM of whole pages', () => {
    expect(drawn.every(({ machine }) => machine.ram % machine.hostPageSize === 0n)).toBe(true);
  });
});
