import { afterAll, describe, expect, it } from 'vitest';
import { kernelHistories } from '../generators/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { QemuTarget, runBesideModel } from '../src/qemu/index.ts';
import { decodeScenario, type FaultSpec, type Scenario } from '../src/scenario/index.ts';
import { differences, NotRunnable, type Trace } from '../src/trace/index.ts';
import { findRevision, type Revision } from '../src/vfio/index.ts';
import {
  MACHINES,
  SHAPE,
  compareLanes,
  differenceText,
  missingMachines,
} from './testing/compare-with-qemu.ts';

/** How many scenarios run on each machine. `BARPROOF_CASES` sets another number. */
const CASES = Number(process.env['BARPROOF_CASES'] ?? 48);
/** The seed of the scenarios. `BARPROOF_SEED` sets another one. */
const SEED = Number(process.env['BARPROOF_SEED'] ?? 20_262);
/** Each scenario has a QEMU of its own; one with an unplug has two. */
const MILLISECONDS_A_CASE = 3_000;

const qemu111 = findRevision('qemu-11.1')!;
const target = new QemuTarget({ interface: 'kernel', contain: true });
afterAll(() => target.close());

const missing = await missingMachines(target);

describe.each(MACHINES)('on %s, a QEMU whose kernel barproof answers', (machine) => {
  const reason = missing.get(machine);
  const title = 'asks what the model asks, is answered alike, and shows the same memory maps';
  it.skipIf(reason !== undefined)(
    reason === undefined ? title : `${title} (skipped: ${reason})`,
    async () => {
      const outcomes = new Map<Trace['outcome'], number>();
      let cases = 0;
      const compareOne = async (scenario: Scenario): Promise<void> => {
        let trace: Trace;
        try {
          trace = await runBesideModel(target, scenario);
        } catch (error) {
          if (error instanceof NotRunnable) return;
          throw error;
        }
        if (trace.model === undefined) return;
        cases++;
        outcomes.set(trace.outcome, (outcomes.get(trace.outcome) ?? 0) + 1);
        const found = differences(trace.model, trace);
        expect(found, differenceText(scenario, found)).toEqual([]);
      };
      await compareLanes(kernelHistories(SHAPE, machine), { cases: CASES, seed: SEED }, compareOne);
      // The comparison means little unless most scenarios are compared, and end well.
      expect(cases).toBeGreaterThan(CASES * 0.7);
      expect(outcomes.get('ok') ?? 0).toBeGreaterThan(cases / 2);
    },
    CASES * MILLISECONDS_A_CASE + 30_000,
  );
});

/** A ConnectX-4 on a host with pages of 64 KiB, whose BAR the guest moves: the device of the seed thread. */
const connectX4 = (iommu: object): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000', hostPageSize: '0x10000' },
    host: { kernel: '6.12', iommu: { pageSizes: ['0x1000', '0x10000', '0x20000000'], ...iommu } },
    devices: [
      {
        id: 'dev0',
        bars: [{ index: 0, size: '0x2000000', type: 'mem64p' }],
        msix: { vectors: 64, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
      },
    ],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe4000000' },
      { op: 'disable-memory', device: 'dev0' },
    ],
  });

const type1 = connectX4({ type: 'type1' });
const withHost = (scenario: Scenario, host: Partial<Scenario['host']>): Scenario => ({
  ...scenario,
  host: { ...scenario.host, ...host },
});

/** Slots as the rules say, but none of device memory. */
const notOfBars =
  (span: Revision['memslots']['span']): Revision['memslots']['span'] =>
  (section, pages, change) =>
    section.region.isRamDevice ? undefined : span(section, pages, change);

describe('a wrong model', () => {
  const reason = missing.get('q35');
  /** The first kind of difference between a real QEMU and a model, which runs another scenario or revision. */
  const firstDifference = async (
    scenario: Scenario,
    { as = scenario, revision = qemu111 }: { readonly as?: Scenario; readonly revision?: Revision },
  ) => {
    const trace = await target.run(scenario);
    expect(differences(runOnModel(scenario, qemu111), trace)).toEqual([]);
    return differences(runOnModel(as, revision), trace)[0]?.kind;
  };

  it.skipIf(reason !== undefined).each([
    [
      'of QEMU 2.11, which maps around the page of the table',
      { revision: findRevision('qemu-2.11')! },
      'devices',
    ],
    ['of the seed patch, which dies of a refused map', { revision: findRevision('seed-v2')! }, 'outcome'],
    ['of QEMU 2.12, which unmaps other pieces', { revision: findRevision('qemu-2.12')! }, 'requests'],
    ['of a kernel that keeps the table out of mmaps', { as: withHost(type1, { kernel: '4.15' }) }, 'devices'],
    [
      'of an IOMMU with a limit of mappings',
      { as: withHost(type1, { iommu: { ...type1.host.iommu, maxMappings: 5 } }) },
      'requests',
    ],
    [
      'of a QEMU that makes no memory slots of BARs',
      {
        revision: {
          ...qemu111,
          memslots: { ...qemu111.memslots, span: notOfBars(qemu111.memslots.span) },
        },
      },
      'memslots',
    ],
  ] as const)('%s differs from a real QEMU', async (_, wrong, kind) => {
    expect(await firstDifference(type1, wrong)).toBe(kind);
  });
});

describe('a real QEMU on a host with a fault does what the model does', () => {
  const reason = missing.get('q35');
  const withFault = (fault: FaultSpec, iommu = 'type1'): Scenario => {
    const scenario = connectX4({ type: iommu });
    return withHost(scenario, { faults: [fault] });
  };
  /** Behind the page with the emulated table, of which QEMU maps nothing. */
  const BAR = 0xe001_0000n;

  const cases: readonly (readonly [FaultSpec, string, Trace['outcome']])[] = [
    [{ request: 'dma-map', answer: 'ENOSPC', at: BAR }, 'type1', 'ok'],
    [{ request: 'dma-map', answer: 'EBUSY', at: BAR, nth: 1 }, 'type1', 'ok'],
    [{ request: 'dma-map', answer: 'EIO', nth: 1 }, 'iommufd', 'rejected'],
    [{ request: 'dma-unmap', answer: 'EIO', at: BAR }, 'type1', 'ok'],
    [{ request: 'dma-unmap', answer: 'ENODEV', at: BAR }, 'iommufd', 'ok'],
    [{ request: 'memslot', answer: 'ENOMEM', at: BAR }, 'type1', 'aborted'],
    [{ request: 'attach', answer: 'EPERM', device: 'dev0' }, 'type1', 'rejected'],
    [{ request: 'attach', answer: 'EINVAL' }, 'iommufd', 'rejected'],
    [{ request: 'create-ioas', answer: 'ENOMEM' }, 'iommufd', 'rejected'],
    [{ request: 'mmap', answer: 'EIO', nth: 1 }, 'type1', 'ok'],
    [{ request: 'reset', answer: 'EIO' }, 'type1', 'ok'],
    [{ request: 'dma-map', answer: 'never', at: BAR }, 'type1', 'aborted'],
    [{ request: 'reset', answer: 'never' }, 'type1', 'aborted'],
  ];
  /** The requests that a trace shows. */
  const SHOWN: readonly string[] = ['dma-map', 'dma-unmap', 'memslot', 'mmap'];
  const titled = cases.map(([fault, iommu, outcome]) => {
    const title = `${fault.request} ${fault.answer} with ${iommu}`;
    return { title, fault, iommu, outcome };
  });

  it.skipIf(reason !== undefined).each(titled)('$title', async ({ fault, iommu, outcome }) => {
    const scenario = withFault(fault, iommu);
    const trace = await target.run(scenario);
    expect(differences(runOnModel(scenario, qemu111), trace)).toEqual([]);
    expect(trace.outcome).toBe(outcome);
    const injected = trace.steps.flatMap(({ events }) => events.filter((event) => 'injected' in event));
    const isShown = fault.answer !== 'never' && outcome !== 'rejected' && SHOWN.includes(fault.request);
    expect(injected.length > 0).toBe(isShown);
    if (fault.answer === 'never')
      expect(trace.error).toContain(`the request ${fault.request}, which the host`);
  });
});
