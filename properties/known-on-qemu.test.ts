import { afterAll, describe, expect, it } from 'vitest';
import { RegressionStore } from '../src/campaign/index.ts';
import { fingerprintText, violationsOf } from '../src/invariants/index.ts';
import { differences } from '../src/trace/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { decodeScenario } from '../src/scenario/index.ts';
import { QemuTarget } from '../src/qemu/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { whyNotComparable } from './testing/why-no-qemu.ts';

const target = new QemuTarget();
afterAll(() => target.close());

const reasonNot = await whyNotComparable(target);

const known = new RegressionStore('regressions/known')
  .load()
  .filter(({ regression }) => regression.scenario.host.iommu.type === 'vfio-user');
const runnable = new Map<string, string | undefined>();
for (const { file, regression } of reasonNot === undefined ? known : []) {
  runnable.set(file, await target.whyNot(regression.scenario));
}

describe.skipIf(reasonNot !== undefined)(
  `a known finding about QEMU 11.1${reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`}`,
  () => {
    it('can run on a real QEMU in at least 4 of the stored cases', () => {
      expect([...runnable.values()].filter((reason) => reason === undefined).length).toBeGreaterThanOrEqual(
        4,
      );
    });

    it.each(known)('shows on a real QEMU: $file', async ({ file, regression }) => {
      const reason = runnable.get(file);
      if (reason !== undefined) return console.warn(`${file}: skipped, ${reason}`);
      const trace = await target.run(regression.scenario);
      expect(violationsOf(trace).map(fingerprintText)).toContain(
        `${regression.invariant}/${regression.cause}`,
      );
    });
  },
);

/** Scenarios in which the target once drove QEMU wrongly. */
const ONCE_WRONG = {
  'a reset of pseries after the only device has left': {
    version: 1,
    machine: { type: 'pseries', ram: '0x10000000', hostPageSize: '0x1000', guestPageSize: '0x1000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] }],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x80000000' },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'unplug', device: 'dev0' },
      { op: 'reset' },
      { op: 'hotplug', device: 'dev0' },
    ],
  },
  'an unplug on virt while a BAR fills the whole 32-bit window': {
    version: 1,
    machine: { type: 'virt', ram: '0x10000000', hostPageSize: '0x10000', guestPageSize: '0x10000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user', pageSizes: ['0x10000'] } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x40000000', type: 'mem32' }] }],
    operations: [
      { op: 'enable-memory', device: 'dev0' },
      { op: 'unplug', device: 'dev0' },
    ],
  },
};

describe.skipIf(reasonNot !== undefined)('the model and QEMU agree on', () => {
  it.each(Object.entries(ONCE_WRONG))('%s', async (_, raw) => {
    const trace = await target.run(decodeScenario(raw));
    expect(differences(runOnModel(trace.scenario, NEWEST), trace)).toEqual([]);
  });
});
