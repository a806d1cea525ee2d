import { sample } from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { kernelHistories } from '../generators/index.ts';
import { QemuTarget, type QemuMachineType } from '../src/qemu/index.ts';
import {
  decodeScenario,
  encodeScenario,
  toJsonLine,
  toJsonText,
  type Scenario,
} from '../src/scenario/index.ts';
import { NotRunnable, type Trace } from '../src/trace/index.ts';
import { whyNoQemu } from './testing/why-no-qemu.ts';

/** How many generated scenarios are compared on each machine. `BARPROOF_CASES` sets another number. */
const CASES = Number(process.env['BARPROOF_CASES'] ?? 48);
const SEED = Number(process.env['BARPROOF_SEED'] ?? 20_263);
/** A scenario runs in a process that serves others, and in one or two of its own. */
const MILLISECONDS_A_CASE = 4_000;
const MACHINES: readonly QemuMachineType[] = ['pc', 'q35', 'virt', 'pseries'];

const reused = new QemuTarget({ interface: 'kernel', reuse: true, maxProcesses: 3 });
const fresh = new QemuTarget({ interface: 'kernel' });
afterAll(() => Promise.all([reused.close(), fresh.close()]));

/**
 * The trace without what no two processes have in common: addresses in QEMU. What QEMU prints is left out, too, because
 * QEMU prints some of it once in a process.
 */
const shown = ({ outcome, error, abortSite, steps, unknownRequests }: Trace): string =>
  toJsonText({
    ...{ outcome, error, abortSite, unknownRequests },
    steps: steps.map((step) => ({
      ...step,
      events: step.events.filter(({ type }) => type !== 'message'),
    })),
  } as never).replaceAll(/"hostAddress": "0x[0-9a-f]+"/g, '"hostAddress": "0x0"');

/** Runs a scenario in a process that serves others. @returns whether it did not have to run as it is written. */
async function compare(scenario: Scenario): Promise<boolean> {
  let trace: Trace;
  try {
    trace = await reused.run(scenario);
  } catch (error) {
    if (error instanceof NotRunnable) return false;
    throw error;
  }
  if (trace.scenario === scenario) return false;
  const again = await fresh.run(trace.scenario);
  expect(shown(trace), toJsonText(encodeScenario(trace.scenario))).toBe(shown(again));
  return true;
}

for (const machine of MACHINES) {
  const reason = await whyNoQemu(fresh, machine);
  const title = `shows the same on ${machine} as a process of the scenario's own`;
  describe('a process that serves many scenarios', () => {
    it.skipIf(reason !== undefined)(
      reason === undefined ? title : `${title} (skipped: ${reason})`,
      async () => {
        const lists = sample(kernelHistories({ lanes: 1, histories: 3, sets: 4 }, machine), {
          seed: SEED,
          numRuns: Math.ceil(CASES / 12),
        });
        let compared = 0;
        for (const scenario of lists.flat(2)) if (await compare(scenario)) compared++;
        // The comparison means little unless most scenarios run in such a process.
        expect(compared).toBeGreaterThan(CASES / 2);
      },
      CASES * MILLISECONDS_A_CASE + 60_000,
    );
  });
}

/** What a scenario may leave behind in its process, as its operations and the size of its BAR. */
const LEFT_OVERS = {
  'a BAR that decodes': ['0x10000', [{ op: 'enable-memory', device: 'dev0' }]],
  'a BAR over RAM': [
    '0x10000',
    [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x100000' },
      { op: 'enable-memory', device: 'dev0' },
    ],
  ],
  'a small BAR that has grown to a page': [
    '0x100',
    [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0001000' },
      { op: 'enable-memory', device: 'dev0' },
    ],
  ],
  'masked vectors': [
    '0x10000',
    [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'mask-vector', device: 'dev0', vector: 0, masked: false },
    ],
  ],
  'enabled MSI-X': ['0x10000', [{ op: 'enable-msix', device: 'dev0' }]],
  'a reset': ['0x10000', [{ op: 'enable-memory', device: 'dev0' }, { op: 'reset' }]],
  'an unplugged device': [
    '0x10000',
    [
      { op: 'enable-memory', device: 'dev0' },
      { op: 'unplug', device: 'dev0' },
    ],
  ],
  'a device that was plugged in again': [
    '0x10000',
    [
      { op: 'unplug', device: 'dev0' },
      { op: 'hotplug', device: 'dev0' },
    ],
  ],
} as const;

describe('a process that another scenario has used', async () => {
  const reason = await whyNoQemu(fresh, 'q35');
  const scenarioOf = (size: string, operations: readonly object[], vectors: number): Scenario =>
    decodeScenario({
      version: 1,
      machine: { type: 'q35', ram: '0x20000000' },
      host: { kernel: '6.12', iommu: { type: 'type1', maxMappings: 40 } },
      devices: [
        {
          id: 'dev0',
          bars: [
            { index: 0, size, type: 'mem32' },
            { index: 2, size: '0x10000', type: 'mem32' },
          ],
          msix: { vectors, tableBar: 2, tableOffset: '0x8000', pbaBar: 2, pbaOffset: '0x9000' },
        },
      ],
      operations,
    });
  const probe = (vectors: number): Scenario =>
    scenarioOf(
      '0x4000',
      [
        { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
        { op: 'set-bar', device: 'dev0', bar: 2, address: '0xe0010000' },
        { op: 'enable-memory', device: 'dev0' },
        { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0004000' },
      ],
      vectors,
    );

  it.skipIf(reason !== undefined).each(Object.entries(LEFT_OVERS))(
    'shows the same after %s',
    async (_, [size, operations]) => {
      // Other numbers of vectors are other devices, and the last one is the first one's again.
      expect(await compare(scenarioOf(size, operations, 4))).toBe(true);
      for (const vectors of [4, 5, 4]) expect(await compare(probe(vectors))).toBe(true);
      expect(await compare(scenarioOf(size, operations, 4))).toBe(true);
    },
    60_000,
  );
});

describe('a container that was made again', () => {
  const scenarioOf = (type: string, iommu: string, operations: readonly object[]): Scenario =>
    decodeScenario({
      version: 1,
      machine: { type, ram: '0x10000000' },
      host: { kernel: '6.12', iommu: { type: iommu } },
      devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
      operations,
    });

  it.for([
    ['virt', 'type1'],
    ['virt', 'iommufd'],
    ['q35', 'type1'],
  ] as const)(
    'is not the first one of another scenario: %s, %s',
    { timeout: 60_000 },
    async ([type, iommu], { skip }) => {
      const reason = await whyNoQemu(fresh, type);
      if (reason !== undefined) skip(reason);
      const again = ['hotplug', 'unplug', 'hotplug', 'unplug', 'hotplug'].map((op) => ({
        op,
        device: 'dev0',
      }));
      const plugged = ['hotplug', 'enable-memory'].map((op) => ({ op, device: 'dev0' }));
      const first = await reused.run(scenarioOf(type, iommu, again));
      expect(first.steps.at(-1)!.state.containers.map(({ name }) => name)).toEqual(['container#3']);
      const { steps } = await reused.run(scenarioOf(type, iommu, plugged));
      expect(steps.at(-1)!.state.containers.map(({ name }) => name)).toEqual(['container']);
    },
  );
});

it('says the same of a refused start with other operations', async ({ skip }) => {
  const reason = await whyNoQemu(fresh, 'pc');
  if (reason !== undefined) skip(reason);
  const refused = (op: string): Scenario =>
    decodeScenario({
      version: 1,
      machine: { type: 'pc', ram: '0x10000000' },
      host: { kernel: '6.12', iommu: { type: 'type1', maxMappings: 0 } },
      devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
      operations: [{ op, device: 'dev0' }],
    });
  const first = await reused.run(refused('enable-memory'));
  const scenario = refused('disable-memory');
  const second = await reused.run(scenario);
  expect([first.outcome, second.outcome]).toEqual(['rejected', 'rejected']);
  expect(second.scenario).toBe(scenario);
  const withoutPointers = (trace: Trace): string => toJsonLine(shown(trace)).replaceAll(/0x[0-9a-f]+/g, '');
  expect(withoutPointers(second)).toBe(withoutPointers(await fresh.run(scenario)));
}, 60_000);
