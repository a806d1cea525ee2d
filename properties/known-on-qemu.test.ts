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
  `what QEMU 11.1 is known for${reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`}`,
  () => {
    it('can be seen on a real one at least as far as machines go', () => {
      expect([...runnable.values()].filter((reason) => reason === undefined).length).toBeGreaterThanOrEqual(
        4,
      );
    });

    it.each(known)('$file', async ({ file, regression }) => {
      const reason = runnable.get(file);
      if (reason !== undefined) return console.warn(`${file}: not run, ${reason}`);
      const trace = await target.run(regression.scenario);
      expect(violationsOf(trace).map(fingerprintText)).toContain(
        `${regression.invariant}/${regression.cause}`,
      );
    });
  },
);

/** Scenarios in which this program itself once went wrong between QEMU and the model. */
const AWKWARD = {
  'a reset that only a device which has not left makes fatal': {
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
  'an unplug where a BAR fills the whole window': {
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

describe.skipIf(reasonNot !== undefined)('the model and QEMU agree about', () => {
  it.each(Object.entries(AWKWARD))('%s', async (_, raw) => {
    const trace = await target.run(decodeScenario(raw));
    expect(differences(runOnModel(trace.scenario, NEWEST), trace)).toEqual([]);
  });
});
