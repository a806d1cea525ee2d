import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { hex } from '../src/address/index.ts';
import { form11, rangeType } from '../src/memory/index.ts';
import { readScenarioPart, type Scenario, ScenarioDecoder } from '../src/scenario/index.ts';
import { differences, type Trace } from '../src/trace/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { QemuTarget, type QemuMachineType } from '../src/qemu/index.ts';
import { findRevision } from '../src/vfio/index.ts';
import { whyNotComparable } from './testing/why-no-qemu.ts';

/** A case of the seed thread with a vfio-user device: the newest revision, and the host's IOMMU page sizes. */
function seedCase(file: string): Scenario {
  const path = fileURLToPath(new URL(`../regressions/seed/${file}.json`, import.meta.url));
  const { scenario } = JSON.parse(readFileSync(path, 'utf8')) as { scenario: unknown };
  const read = readScenarioPart(new ScenarioDecoder(), scenario, '');
  const { kernel, iommu } = read.host;
  return {
    ...read,
    revision: 'qemu-11.1',
    host: { kernel, iommu: { type: 'vfio-user', pageSizes: iommu.pageSizes } },
  };
}

/** The distance of the 64-bit windows of pseries and virt. */
const WINDOW_DISTANCE = 0x2100_0000_0000n - 0x80_0000_0000n;

/** The same device on virt, which emulates MSI-X. pseries does not, and has no property that changes it. */
function onVirt({ machine, operations, ...rest }: Scenario): Scenario {
  return {
    ...rest,
    machine: { ...machine, type: 'virt', msixEmulation: 'machine-default' },
    operations: operations.map((operation) =>
      operation.op === 'set-bar' ? { ...operation, address: operation.address - WINDOW_DISTANCE } : operation,
    ),
  };
}

const sas3008 = seedCase('sas3008-after');
const CASES = {
  'CX-4, host pages of 64 KiB': seedCase('cx4-64k'),
  'SAS3008 on pseries, which does without MSI-X emulation': sas3008,
  'SAS3008 on virt, which emulates MSI-X, host pages of 64 KiB': onVirt(sas3008),
} as const satisfies Record<string, Scenario>;

const target = new QemuTarget();
afterAll(() => target.close());

/** Every DMA request, and the ranges of the device in the memory map after the last operation. */
function summaryOf({ outcome, steps }: Trace): unknown {
  const requests = steps.map(({ operation, events }) => ({
    after: operation.op,
    requests: events.flatMap((event) => {
      if (event.type !== 'dma-map' && event.type !== 'dma-unmap') return [];
      const text = `${event.type} ${hex(event.iova)}+${hex(event.size)}`;
      return [event.type === 'dma-map' && event.readonly ? `${text} read-only` : text];
    }),
  }));
  const view = steps.at(-1)!.state.flatView.filter(({ region }) => region.owner !== undefined);
  return {
    outcome,
    requests,
    view: view.map(
      (range) =>
        `${hex(range.start)}-${hex(range.end - 1n)} ${rangeType(range, form11)} ${range.region.name} @${hex(range.offset)}`,
    ),
  };
}

const missing = new Map(
  await Promise.all(
    Object.entries(CASES).map(
      async ([name, scenario]) =>
        [name, await whyNotComparable(target, scenario.machine.type as QemuMachineType)] as const,
    ),
  ),
);

describe('a case of the seed thread with a vfio-user device', () => {
  const summaries = Object.fromEntries(
    Object.entries(CASES).map(([name, scenario]) => [
      name,
      summaryOf(runOnModel(scenario, findRevision('qemu-11.1')!)),
    ]),
  );

  it('has the stored DMA requests and memory map on the model', async () => {
    const text = `${JSON.stringify(summaries, undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot('../regressions/recordings/seed-on-qemu.json');
  });

  it.for(Object.entries(CASES))(
    'has the same DMA requests and memory map on a real QEMU: %s',
    async ([name, scenario], context) => {
      const why = missing.get(name);
      context.skip(why !== undefined, why);
      const trace = await target.run(scenario);
      expect(differences(runOnModel(scenario, findRevision('qemu-11.1')!), trace)).toEqual([]);
      expect(summaryOf(trace)).toEqual(summaries[name]);
    },
  );
});
