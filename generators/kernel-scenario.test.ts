import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveSeed } from '../src/campaign/index.ts';
import { decodeScenario, encodeScenario, toJsonText, type Scenario } from '../src/scenario/index.ts';
import { kernelHistories, kernelScenarios } from './index.ts';

const of = <T>(values: fc.Arbitrary<T>, numRuns: number): readonly T[] =>
  fc.sample(values, { seed: deriveSeed('generators', 'kernel-scenario'), numRuns });

const MACHINES = ['pc', 'q35', 'virt', 'pseries'] as const;

/** What keeps a scenario from a real QEMU whose kernel barproof answers. */
const obstacles = ({ machine, host, devices, operations }: Scenario): readonly unknown[] => [
  ...(machine.ram % (machine.type === 'pseries' ? 256n << 20n : 0x2000n) === 0n ? [] : [machine.ram]),
  ...(machine.type === 'virt' && machine.cpu !== undefined ? [machine.cpu] : []),
  ...(machine.msixEmulation === 'machine-default' ? [] : [machine.msixEmulation]),
  ...(host.iommu.type === 'vfio-user' ? [host.iommu.type] : []),
  ...(host.iommu.type === 'spapr-tce-v2' && machine.type !== 'pseries' ? [machine.type] : []),
  ...devices.filter(({ options }) => 'x-no-msix-emulation' in options),
  ...operations.filter(({ op }) =>
    [
      'add-region',
      'remove-region',
      'show-registers',
      'show-contents',
      'set-power-state',
      'resize-bar',
      'begin',
      'commit',
    ].includes(op),
  ),
];

describe('kernelScenarios', () => {
  it('are valid, and a real QEMU can run them', () => {
    for (const scenario of of(kernelScenarios(...MACHINES), 400)) {
      expect(decodeScenario(JSON.parse(toJsonText(encodeScenario(scenario))))).toMatchObject(scenario);
      expect(obstacles(scenario)).toEqual([]);
    }
  });

  it('use every machine and every container of the kernel', () => {
    const drawn = of(kernelScenarios(...MACHINES), 200);
    expect(new Set(drawn.map(({ machine }) => machine.type))).toEqual(new Set(MACHINES));
    expect(new Set(drawn.map(({ host }) => host.iommu.type))).toEqual(
      new Set(['type1', 'iommufd', 'spapr-tce-v2']),
    );
  });

  it('shrink to scenarios that a real QEMU can run on the same machine', () => {
    const arbitrary = kernelScenarios('pseries', 'q35');
    for (const scenario of of(arbitrary, 20)) {
      for (const { value } of arbitrary.shrink(scenario, undefined)) {
        expect(obstacles(value)).toEqual([]);
        expect(value.machine.type).toBe(scenario.machine.type);
      }
    }
  });
});

describe('kernelHistories', () => {
  it('are as many lists as asked for, and shrink to one scenario', () => {
    const arbitrary = kernelHistories({ lanes: 3, histories: 4 }, 'q35');
    const [lanes] = of(arbitrary, 1);
    expect(lanes!.map(({ length }) => length)).toEqual([4, 4, 4]);
    const shrunk = [...arbitrary.shrink(lanes!, undefined)].map(({ value }) => value);
    expect(shrunk).toHaveLength(12);
    expect(shrunk.every((list) => list.length === 1 && list[0]!.length === 1)).toBe(true);
  });
});
