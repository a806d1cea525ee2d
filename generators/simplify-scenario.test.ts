import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPowerOfTwo } from '../src/address/index.ts';
import { deriveSeed } from '../src/campaign/index.ts';
import {
  decodeScenario,
  encodeScenario,
  needsOf,
  realismText,
  toJsonText,
  type Operation,
  type Scenario,
} from '../src/scenario/index.ts';
import { InvalidInput } from '../src/input/index.ts';
import { digits } from './weigh.ts';
import { scenarios, simplifyScenario, weigh } from './index.ts';

const CASES = 60;
const drawn = fc.sample(scenarios(), { seed: deriveSeed('generators', 'simplify'), numRuns: CASES });

/** The problems that the decoder finds in the scenario; empty for a valid one. */
function problemsOf(scenario: Scenario): readonly string[] {
  try {
    decodeScenario(JSON.parse(toJsonText(encodeScenario(scenario))));
    return [];
  } catch (error) {
    if (error instanceof InvalidInput)
      return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
}

const isSpapr = ({ host }: Scenario): boolean => host.iommu.type === 'spapr-tce-v2';

/** Takes the first simpler scenario for which `holds` is true, again and again. @returns all scenarios taken. */
function descend(from: Scenario, holds: (scenario: Scenario) => boolean): readonly Scenario[] {
  const taken = [from];
  for (let next: Scenario | undefined = from; next !== undefined;) {
    next = undefined;
    for (const candidate of simplifyScenario(taken.at(-1)!)) {
      if (!holds(candidate)) continue;
      next = candidate;
      taken.push(candidate);
      break;
    }
    expect(taken.length).toBeLessThan(2_000);
  }
  return taken;
}

describe('simpler scenarios', () => {
  it('are more than 10 for any generated scenario, and all weigh less', () => {
    for (const scenario of drawn) {
      const weight = weigh(scenario);
      const candidates = [...simplifyScenario(scenario)];
      expect(candidates.length).toBeGreaterThan(10);
      for (const candidate of candidates) expect(weigh(candidate)).toBeLessThan(weight);
    }
  });

  it('are all valid', () => {
    for (const scenario of drawn.filter((each) => !isSpapr(each)).slice(0, 25)) {
      for (const candidate of simplifyScenario(scenario)) expect(problemsOf(candidate)).toEqual([]);
    }
  }, 60_000);

  it('are all valid on sPAPR, too', () => {
    const spapr = drawn.filter(isSpapr);
    expect(spapr.length).toBeGreaterThan(0);
    for (const scenario of spapr) {
      for (const candidate of simplifyScenario(scenario)) expect(problemsOf(candidate)).toEqual([]);
    }
  });

  it('keep BARs of odd sizes behind vfio-user, down to a BAR of 12 KiB', () => {
    const isOdd = ({ devices }: Scenario): boolean =>
      devices.some(({ bars }) => bars.some(({ size }) => !isPowerOfTwo(size)));
    const odd = fc.sample(scenarios({ iommuTypes: ['vfio-user'] }), { seed: 4, numRuns: 400 }).filter(isOdd);
    expect(odd.length).toBeGreaterThan(3);
    for (const scenario of odd) {
      for (const candidate of simplifyScenario(scenario))
        if (isOdd(candidate)) expect(candidate.host.iommu.type).toBe('vfio-user');
      expect(descend(scenario, isOdd).at(-1)!.devices).toMatchObject([{ bars: [{ size: 0x3000n }] }]);
    }
  });

  it('name the revision of the original scenario', () => {
    for (const scenario of fc.sample(scenarios({ revision: 'seed-v2' }), { seed: 3, numRuns: 20 })) {
      for (const candidate of simplifyScenario(scenario)) expect(candidate.revision).toBe('seed-v2');
    }
  });

  it('end at a q35 machine without devices, within 40 steps', () => {
    for (const scenario of drawn.filter((each) => !isSpapr(each))) {
      const taken = descend(scenario, () => true);
      expect(taken.at(-1)).toMatchObject({
        machine: { type: 'q35', msixEmulation: 'machine-default', ram: 0x1000_0000n },
        host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
        devices: [],
        operations: [],
      });
      expect(taken.length).toBeLessThan(40);
    }
  });

  it('end within 120 steps, with one device, while an MSI-X table, a set-bar or a second BAR must stay', () => {
    const stays: readonly ((scenario: Scenario) => boolean)[] = [
      ({ devices }) => devices.some(({ msix }) => msix !== undefined),
      ({ operations }) => operations.some(({ op }) => op === 'set-bar'),
      ({ devices }) => devices.some(({ bars }) => bars.length > 1),
    ];
    for (const stay of stays) {
      for (const scenario of drawn.filter(stay)) {
        const taken = descend(scenario, stay);
        expect(taken.length).toBeLessThan(120);
        expect(taken.at(-1)!.devices).toHaveLength(1);
      }
    }
  }, 60_000);

  it('end at a set-bar of BAR 0 of dev0 to the first address of a PCI window of q35, while a set-bar must stay', () => {
    const placed = drawn.filter(({ operations }) => operations.some(({ op }) => op === 'set-bar'));
    for (const scenario of placed) {
      const taken = descend(scenario, ({ operations }) => operations.some(({ op }) => op === 'set-bar'));
      const { devices, operations } = taken.at(-1)!;
      const starts = devices[0]!.bars[0]!.type === 'io' ? [0n] : [0xc000_0000n, 0x1_0000_0000n];
      expect(operations).toMatchObject([{ op: 'set-bar', device: 'dev0', bar: 0 }]);
      expect(operations.map((operation) => 'address' in operation && operation.address)).toEqual([
        expect.toBeOneOf(starts),
      ]);
    }
  }, 60_000);
});

describe('simplifying toward real machines', () => {
  const from = (
    operations: readonly object[],
    bars: readonly object[] = [{ index: 0, size: '0x1000', type: 'mem64' }],
  ) =>
    decodeScenario({
      version: 1,
      machine: { type: 'generic', ram: '0x10000000' },
      revision: 'qemu-11.1',
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
      devices: [{ id: 'dev0', bars }],
      operations,
    });
  const has = (op: Operation['op'], address?: bigint) => (scenario: Scenario) =>
    scenario.operations.some(
      (operation) =>
        operation.op === op &&
        (address === undefined || ('address' in operation && operation.address === address)),
    );

  it('disables memory around a move of a 64-bit BAR', () => {
    const twice = (scenario: Scenario): boolean =>
      new Set(
        scenario.operations.flatMap((operation) => (operation.op === 'set-bar' ? [operation.address] : [])),
      ).size > 1 &&
      has('enable-memory')(scenario) &&
      scenario.operations.at(-1)?.op !== 'disable-memory';
    const moved = from([
      { op: 'enable-memory', device: 'dev0' },
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x1000' },
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x2000' },
    ]);
    expect(needsOf(moved).map(({ kind }) => kind)).toEqual([
      'machine-type',
      'order',
      'placement',
      'order',
      'placement',
    ]);
    expect(needsOf(descend(moved, twice).at(-1)!)).toEqual([]);
  });

  it('keeps only what a case needs: an overlay at 0', () => {
    const overlaid = from([
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x1000' },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'add-region', name: 'overlay', kind: 'ram', address: '0x0', size: '0x1', priority: 0 },
    ]);
    const smallest = descend(overlaid, has('add-region', 0n)).at(-1)!;
    expect(realismText(needsOf(smallest))).toMatch(/^needs an overlay of .* at 0x0$/);
    expect(smallest.machine.type).toBe('q35');
  });

  it.each(['mmapError', 'p2p'] as const)('drops %s of a BAR, unless the case needs it', (fault) => {
    const faulty = from(
      [
        { op: 'set-bar', device: 'dev0', bar: 0, address: '0x1000' },
        { op: 'enable-memory', device: 'dev0' },
      ],
      [{ index: 0, size: '0x1000', type: 'mem64', mmapError: 'EBUSY', p2p: false }],
    );
    const hasBar = ({ devices }: Scenario): boolean => (devices[0]?.bars.length ?? 0) > 0;
    const isFaulty = (scenario: Scenario): boolean =>
      hasBar(scenario) && scenario.devices[0]!.bars[0]![fault] !== undefined;
    expect(Object.keys(descend(faulty, hasBar).at(-1)!.devices[0]!.bars[0]!)).not.toContain(fault);
    const kept = Object.keys(descend(faulty, isFaulty).at(-1)!.devices[0]!.bars[0]!);
    expect(kept.filter((key) => key === 'mmapError' || key === 'p2p')).toEqual([fault]);
  });
});

describe('the weight of a number', () => {
  it('is less for fewer digits that are not 0, and then for a shorter number', () => {
    const rising = [0n, 0x1000n, 0x1_0000n, 0x8000n, 0xc000_0000n, 0xc001_0000n, 0xc001_2345n];
    const weights = rising.map(digits);
    expect(digits(0n)).toBe(0);
    expect(digits(0x1000n)).toBeLessThan(digits(0x3000n));
    expect(digits(0x1000n)).toBeLessThan(digits(0x1_0000n));
    expect(digits(0x1_0000n)).toBeLessThan(digits(0x1100n));
    expect(weights.at(-1)).toBe(Math.max(...weights));
  });
});

describe('simplifyScenario on a host with faults', () => {
  const faulty = fc
    .sample(scenarios(), { seed: deriveSeed('generators', 'faults'), numRuns: 2_000 })
    .filter(({ host }) => host.faults !== undefined);

  it('gives valid faults alone', () => {
    expect(faulty.length).toBeGreaterThan(20);
    for (const scenario of faulty.slice(0, 6)) {
      for (const candidate of simplifyScenario(scenario)) {
        const problems = problemsOf(candidate).filter((problem) => problem.includes('faults'));
        expect(problems, toJsonText(encodeScenario(candidate))).toEqual([]);
      }
    }
  });

  it('leaves of a fault what a failure needs', () => {
    const scenario = faulty.find(({ host }) => host.faults![0]!.request === 'dma-map')!;
    const [fault] = descend(scenario, ({ host }) => host.faults !== undefined).at(-1)!.host.faults!;
    expect(fault).toEqual({ request: 'dma-map', answer: scenario.host.faults![0]!.answer });
    expect(descend(scenario, () => true).at(-1)!.host.faults).toBeUndefined();
  });
});
