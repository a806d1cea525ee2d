import { afterAll, bench, describe } from 'vitest';
import { decodeScenario, type Scenario } from '../../scenario/index.ts';
import { QemuNotFound } from './qemu-error.ts';
import { QemuTarget } from './qemu-target.ts';

/** A card with MSI-X that firmware places, and a guest that moves one of its BARs. */
const scenarioNumber = (turn: number): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x20000000' },
    host: { kernel: turn % 2 === 0 ? 'msix-mappable' : 'sparse-msix', iommu: { type: 'vfio-user' } },
    devices: [
      {
        id: 'dev0',
        bars: [
          { index: 0, size: '0x10000', type: 'mem64' },
          { index: 2, size: '0x40000', type: 'mem64' },
        ],
        msix: { vectors: 8 + turn, tableBar: 0, tableOffset: '0xe000', pbaBar: 0, pbaOffset: '0xf000' },
      },
    ],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x8000000000' },
      { op: 'set-bar', device: 'dev0', bar: 2, address: '0x8000040000' },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
    ],
  });

/** What other scenarios of a campaign do not wait for. */
const AT_A_TIME = 3;

const hasQemu = await (async () => {
  try {
    await new QemuTarget().inspect('q35');
    return true;
  } catch (error) {
    if (error instanceof QemuNotFound) return false;
    throw error;
  }
})();

describe.skipIf(!hasQemu)('a scenario on a real QEMU', () => {
  const alone = new QemuTarget();
  const shared = new QemuTarget({ reuse: true, maxProcesses: AT_A_TIME });
  afterAll(async () => {
    await alone.close();
    await shared.close();
  });
  let turn = 0;
  const three = async (target: QemuTarget): Promise<void> => {
    await Promise.all(Array.from({ length: AT_A_TIME }, () => target.run(scenarioNumber(turn++ % 64))));
  };
  const options = { time: 8000, warmupTime: 2000 };

  bench('in a process of its own', async () => void (await alone.run(scenarioNumber(turn++ % 64))), options);
  bench(
    'in one that serves others',
    async () => void (await shared.run(scenarioNumber(turn++ % 64))),
    options,
  );
  bench(`${AT_A_TIME} at a time, each in a process of its own`, () => three(alone), options);
  bench(`${AT_A_TIME} at a time, in processes that serve others`, () => three(shared), options);
});
