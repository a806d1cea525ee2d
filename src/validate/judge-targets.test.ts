import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StoredRegression } from '../campaign/index.ts';
import { openModel, runOnModel } from '../model/index.ts';
import { scenarios } from '../../generators/index.ts';
import { verdictText } from '../report/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import type { SearchTarget, Trace } from '../trace/index.ts';
import { NEWEST, type Revision } from '../vfio/index.ts';
import { judgeTargets } from './judge-targets.ts';

const withIommu = (type: string): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'pc', ram: '0x10000000' },
    host: { kernel: 'msix-mappable', iommu: { type } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
  });

const stored = (scenario: Scenario): StoredRegression => ({
  file: 'a.json',
  regression: {
    schema: 1,
    title: 'a case',
    status: 'known',
    expected: 'nothing breaks',
    observed: { outcome: 'ok', violations: [] },
    failsOn: [],
    provenance: { source: 'a test' },
    scenario,
  },
});

/** A target that runs only scenarios with this IOMMU. */
const only = (type: string): SearchTarget => ({
  ...openModel(NEWEST),
  canRun: ({ host }) => Promise.resolve(host.iommu.type === type),
});

const NO_MACHINES = { trivial: [], machines: { 'vfio-user': [], kernel: [] } };

it('judgeTargets runs the shipped cases that both builds can run, and names the builds', async () => {
  const verdict = await judgeTargets({
    sides: {
      base: { id: 'old', target: { ...only('vfio-user'), name: 'QEMU 10.1.0 (pc)' } },
      patched: { id: 'new', target: only('vfio-user') },
    },
    scenarios: fc.constant(withIommu('vfio-user')),
    shipped: [stored(withIommu('vfio-user')), stored(withIommu('type1'))],
    trivial: [withIommu('vfio-user')],
    machines: { 'vfio-user': ['pc'], kernel: [] },
    devices: [],
    seed: 'a seed',
    runs: 2,
  });
  expect(verdict.cases).toBe(1 + 2);
  expect(verdict.sides).toEqual({
    base: { id: 'old', title: 'QEMU 10.1.0 (pc)' },
    patched: { id: 'new', title: 'model' },
  });
  expect(verdict.breaks).toBe(false);
});

it('judgeTargets gives no verdict where a build does not complete a trivial scenario, but the words of the build', async () => {
  const dies = (scenario: Scenario): Trace => ({
    ...(openModel(NEWEST).run(scenario) as Trace),
    outcome: 'rejected',
    error: "could not load PC BIOS 'bios-256k.bin'",
  });
  const judged = judgeTargets({
    sides: {
      base: { id: 'old', target: openModel(NEWEST) },
      patched: { id: 'new', target: { ...openModel(NEWEST), run: dies } },
    },
    scenarios: fc.constant(withIommu('type1')),
    shipped: [],
    ...NO_MACHINES,
    trivial: [withIommu('type1')],
    devices: [],
    seed: 'a seed',
    runs: 2,
  });
  await expect(judged).rejects.toThrow(
    "new does not complete a trivial scenario (pc, the kernel's interface): could not load PC BIOS 'bios-256k.bin'; there is no verdict",
  );
});

it('judgeTargets counts no difference that depends on timing, and says so', async () => {
  const broken: Revision = {
    ...NEWEST,
    listener: { ...NEWEST.listener, skip: () => 'ram' },
  };
  let turn = 0;
  const verdictOn = (shows: () => boolean) =>
    judgeTargets({
      sides: {
        base: { id: 'old', version: 'QEMU 1', target: openModel(NEWEST) },
        patched: {
          id: 'new',
          version: 'QEMU 2',
          target: {
            ...openModel(NEWEST),
            run: (scenario) => runOnModel(scenario, shows() ? broken : NEWEST),
          },
        },
      },
      scenarios: scenarios({ machineTypes: ['pc'], iommuTypes: ['type1'] }),
      shipped: [],
      ...NO_MACHINES,
      devices: [],
      seed: 'a seed',
      runs: 8,
    });
  const flaky = await verdictOn(() => turn++ % 3 === 0);
  expect(flaky.breaks).toBe(false);
  const causes = flaky.invariants.flatMap((one) => one.causes);
  expect(causes.find(({ cause }) => cause === 'not-mapped')!.flaky).toMatchObject({ of: 10 });
  expect(flaky.findings.every(({ effect }) => effect !== 'breaks')).toBe(true);
  const [effect, scope] = verdictText(flaky).split('\n');
  expect(effect).toMatch(/; flaky, not counted: .*ram-reachable\/not-mapped \(\d of 10 runs\)/);
  expect(scope).toMatch(/^new \(QEMU 2\) against old \(QEMU 1\): 8 cases/);

  const stable = await verdictOn(() => true);
  expect(stable.breaks).toBe(true);
  const found = stable.findings.find(({ cause }) => cause === 'not-mapped')!;
  expect(found.counterexample.stability).toEqual({ shown: 10, of: 10 });
  expect(verdictText(stable)).toContain('; stable 10/10');
}, 60_000);

it('judgeTargets does not count a cause as hidden that an end by chance hid', async () => {
  const broken: Revision = { ...NEWEST, listener: { ...NEWEST.listener, skip: () => 'ram' } };
  const run = (scenario: Scenario): Trace => runOnModel(scenario, broken);
  const isMain = ({ devices }: Scenario): boolean => devices.length > 0;
  const endsEarly = (scenario: Scenario): Trace => {
    const trace = run(scenario);
    return { ...trace, steps: trace.steps.slice(0, 1), outcome: 'aborted', error: 'SIGSEGV' };
  };
  const verdictOn = (ends: () => boolean) =>
    judgeTargets({
      sides: {
        base: { id: 'old', target: { ...openModel(NEWEST), run } },
        patched: {
          id: 'new',
          target: {
            ...openModel(NEWEST),
            run: (scenario) => (isMain(scenario) && ends() ? endsEarly : run)(scenario),
          },
        },
      },
      scenarios: fc.constant(withIommu('type1')),
      // In this case the patched side starts, and the cause cannot show.
      shipped: [stored({ ...withIommu('type1'), devices: [] })],
      trivial: [],
      machines: { 'vfio-user': [], kernel: ['pc'] },
      devices: [],
      seed: 'a seed',
      runs: 1,
    });
  const effectOf = async (ends: () => boolean): Promise<string> =>
    verdictText(await verdictOn(ends)).split('\n')[0]!;
  expect(await effectOf(() => true)).toMatch(/hides \d cause/);
  let turn = 0;
  const byChance = await effectOf(() => turn++ === 0);
  expect(byChance).not.toMatch(/hides/);
  expect(byChance).toMatch(/flaky, not counted: .*ram-reachable\/not-mapped \(0 of 10 runs\)/);
});
