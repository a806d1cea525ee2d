import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { NEWEST, findRevision } from '../vfio/index.ts';
import { runOnModel } from '../model/index.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';
import { runBesideModel, whyNotOfModel } from './beside-model.ts';
import { hotPlugged } from './hot-plugged.ts';
import type { QemuInspection } from './process/inspect-qemu.ts';

const scenario = decodeScenario({
  version: 1,
  machine: { type: 'q35', ram: '0x20000000' },
  revision: 'seed-v2',
  host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
  devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
});

/** The same with an area that QEMU maps beyond the BAR. */
const overshooting: Scenario = {
  ...scenario,
  devices: scenario.devices.map((device) => ({
    ...device,
    bars: device.bars.map((bar) => ({
      ...bar,
      sparse: [{ offset: bar.size, size: bar.size }] as unknown as NonNullable<typeof bar.sparse>,
    })),
  })),
};

/** Something that does what QEMU 6.0 would, and calls itself by a version. */
const qemu = (version: string, carriesOut: (given: Scenario) => Scenario = (given) => given) => ({
  run: async (given: Scenario): Promise<Trace> => ({
    ...runOnModel(carriesOut(given), { ...findRevision('qemu-6.0')!, iommus: NEWEST.iommus }),
    revision: `QEMU ${version}`,
  }),
  inspect: async (): Promise<QemuInspection> => ({
    binary: 'qemu',
    version,
    package: '',
    deviceProperties: new Set(),
    endsWithParent: true,
  }),
});

describe('whyNotOfModel', () => {
  it('accepts every release of the version that the newest revision is named after', () => {
    for (const version of ['11.1.0', '11.1.3', '11.1.50']) expect(whyNotOfModel(version)).toBeUndefined();
  });

  it('names both versions of any other', () => {
    for (const version of ['10.2.0', '11.0.1', '11.10.0', '11.2.0', '1.11.1']) {
      expect(whyNotOfModel(version)).toBe(`the model is of 11.1, this is QEMU ${version}`);
    }
  });
});

describe('runBesideModel', () => {
  it('puts the run of the newest revision beside the real one, and leaves that as it is', async () => {
    const { model, ...real } = await runBesideModel(qemu('11.1.3'), scenario);
    expect(real).toEqual(await qemu('11.1.3').run(scenario));
    expect(model).toEqual(runOnModel(scenario, NEWEST));
  });

  it('asks the model for the variant that was carried out', async () => {
    const { model } = await runBesideModel(qemu('11.1.3', hotPlugged), scenario);
    expect(model!.steps.map(({ operation }) => operation.op)).toEqual(['start', 'hotplug']);
  });

  it('asks it for nothing where QEMU is of another version, and says so', async () => {
    const trace = await runBesideModel(qemu('10.2.0'), scenario);
    expect(trace).toMatchObject({ notCompared: 'the model is of 11.1, this is QEMU 10.2.0' });
    expect(trace).not.toHaveProperty('model');
  });

  it('asks it for nothing where QEMU overwrites memory of its own', async () => {
    const trace = await runBesideModel(qemu('11.1.3'), overshooting);
    expect(trace.notCompared).toMatch(/luck$/);
    expect(trace).not.toHaveProperty('model');
  });

  it('leaves it to the target to refuse a scenario', async () => {
    const refusing = { ...qemu('11.1.3'), run: () => Promise.reject(new NotRunnable('no such machine')) };
    await expect(runBesideModel(refusing, scenario)).rejects.toThrow(NotRunnable);
  });
});
