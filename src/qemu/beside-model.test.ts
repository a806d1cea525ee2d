import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { NEWEST, findRevision } from '../vfio/index.ts';
import { runOnModel } from '../model/index.ts';
import { NotRunnable, type Trace } from '../trace/index.ts';
import { runBesideModel } from './beside-model.ts';
import { hotPlugged } from './hot-plugged.ts';
import type { QemuInspection } from './process/inspect-qemu.ts';

const scenario = decodeScenario({
  version: 1,
  machine: { type: 'q35', ram: '0x20000000' },
  revision: 'seed-v2',
  host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
  devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
});

/** The same scenario with a sparse area that QEMU maps beyond the BAR. */
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

/** A target that behaves like QEMU 6.0. @param version the version that the target reports. */
const qemu = (version: string, variantOf: (scenario: Scenario) => Scenario = (same) => same) => ({
  run: async (scenario: Scenario): Promise<Trace> => ({
    ...runOnModel(variantOf(scenario), { ...findRevision('qemu-6.0')!, iommus: NEWEST.iommus }),
    revision: `QEMU ${version}`,
  }),
  inspect: async (): Promise<QemuInspection> => ({
    binary: 'qemu',
    version,
    package: '',
    deviceProperties: { 'vfio-user-pci': new Set(), 'vfio-pci': new Set() },
    machines: new Set(['q35']),
    hasIommufd: true,
    accelerator: 'qtest',
    endsWithParent: true,
  }),
});

describe('runBesideModel', () => {
  it('puts the trace of the newest revision beside the trace of QEMU', async () => {
    const { model, ...real } = await runBesideModel(qemu('11.1.3'), scenario);
    expect(real).toEqual(await qemu('11.1.3').run(scenario));
    expect(model).toEqual(runOnModel(scenario, NEWEST));
  });

  it('runs on the model the variant that QEMU has carried out', async () => {
    const { model } = await runBesideModel(qemu('11.1.3', hotPlugged), scenario);
    expect(model!.steps.map(({ operation }) => operation.op)).toEqual(['start', 'hotplug']);
  });

  it('does not run the model beside a QEMU of another version', async () => {
    const trace = await runBesideModel(qemu('10.2.0'), scenario);
    expect(trace).toMatchObject({ notCompared: expect.stringMatching(/, this is QEMU 10\.2\.0$/) });
    expect(trace).not.toHaveProperty('model');
  });

  it('says why where the model of that version cannot run the scenario', async () => {
    const trace = await runBesideModel(qemu('10.0.0'), scenario);
    expect(trace.notCompared).toMatch(
      /^the model of QEMU 10\.0\.0 cannot run this scenario: host\.iommu\.type: /,
    );
    expect(trace).not.toHaveProperty('model');
  });

  it('does not run the model beside a QEMU that overwrites its own memory', async () => {
    const trace = await runBesideModel(qemu('11.1.3'), overshooting);
    expect(trace.notCompared).toMatch(/unpredictable$/);
    expect(trace).not.toHaveProperty('model');
  });

  describe('by the kernel interface', () => {
    const typed = (host: object, msix: object, at: object = {}): Scenario =>
      decodeScenario({
        version: 1,
        machine: { type: 'q35', ram: '0x20000000' },
        revision: 'qemu-11.1',
        host: { kernel: 'sparse-msix', iommu: { type: 'type1' }, ...host },
        devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x20000000', type: 'mem32', ...at }], msix }],
      });
    const table = { vectors: 1, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x10' };

    it.each([6, 7])('does not compare what a QEMU without a check makes of the BIR %i', async (bir) => {
      for (const msix of [
        { ...table, pbaBar: bir },
        { ...table, tableBar: bir },
      ]) {
        const old = await runBesideModel(qemu('7.2.22'), typed({}, msix));
        expect(old.notCompared).toMatch(/BIR above 5 depends on what lies behind/);
      }
      const [checked, sound] = [typed({}, { ...table, pbaBar: bir }), typed({}, table)];
      expect(await runBesideModel(qemu('11.1.3'), checked)).not.toHaveProperty('notCompared');
      expect(await runBesideModel(qemu('7.2.22'), sound)).not.toHaveProperty('notCompared');
    });

    it('does not compare where chance says whether an mmapped area begins on a page of the IOMMU', async () => {
      const chance = /^chance says whether memory begins on one of the IOMMU's pages$/;
      const large = { iommu: { type: 'type1', pageSizes: ['0x10000'] } };
      // The table takes the first page, so that the area behind it is aligned to a page alone.
      const cut = await runBesideModel(qemu('10.0.0'), typed(large, table));
      expect(cut.notCompared).toMatch(chance);
      const whole = typed({ ...large, kernel: 'msix-mappable' }, table);
      expect(await runBesideModel(qemu('10.0.0'), whole)).not.toHaveProperty('notCompared');
      expect((await runBesideModel(qemu('9.1.0'), whole)).notCompared).toMatch(chance);
      const trapped = typed(large, table, { mmap: false });
      expect(await runBesideModel(qemu('9.1.0'), trapped)).not.toHaveProperty('notCompared');
      const huge = { iommu: { type: 'type1', pageSizes: ['0x40000000'] } };
      expect((await runBesideModel(qemu('10.0.0'), typed(huge, table))).notCompared).toMatch(chance);
    });
  });

  it('throws NotRunnable where the target does', async () => {
    const refusing = { ...qemu('11.1.3'), run: () => Promise.reject(new NotRunnable('no such machine')) };
    await expect(runBesideModel(refusing, scenario)).rejects.toThrow(NotRunnable);
  });
});
