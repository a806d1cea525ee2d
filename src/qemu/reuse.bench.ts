import { afterAll, bench, describe } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { QemuNotFound } from './process/qemu-error.ts';
import { QemuTarget } from './qemu-target.ts';

/** How many scenarios a campaign runs on one hardware. */
const HISTORIES = 4;

/**
 * A card with MSI-X. The guest places its BARs and moves one of them.
 *
 * @param card different numbers make different cards.
 * @param turn different numbers make different operations.
 */
const scenarioOf = (card: number, turn: number, iommu = 'vfio-user'): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x20000000' },
    host: {
      kernel: iommu !== 'vfio-user' || card % 2 === 0 ? 'msix-mappable' : 'sparse-msix',
      iommu: { type: iommu },
    },
    devices: [
      {
        id: 'dev0',
        bars: [
          { index: 0, size: '0x10000', type: 'mem64' },
          { index: 2, size: '0x40000', type: 'mem64' },
        ],
        msix: { vectors: 8 + card, tableBar: 0, tableOffset: '0xe000', pbaBar: 0, pbaOffset: '0xf000' },
      },
    ],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0x8000000000' },
      { op: 'set-bar', device: 'dev0', bar: 2, address: '0x8000040000' },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'set-bar', device: 'dev0', bar: 0, address: `0x${(0xe000_0000 + turn * 0x1_0000).toString(16)}` },
    ],
  });

/** How many processes a campaign uses side by side. */
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
  let card = 0;
  const scenarios = async (target: QemuTarget, nextCard: () => number, iommu?: string): Promise<void> => {
    for (let turn = 0; turn < HISTORIES; turn++) await target.run(scenarioOf(nextCard() % 64, turn, iommu));
  };
  const ofOneCard = (target: QemuTarget, iommu?: string): Promise<void> => {
    const own = card++;
    return scenarios(target, () => own, iommu);
  };
  const ofOtherCards = (target: QemuTarget, iommu?: string): Promise<void> =>
    scenarios(target, () => card++, iommu);
  const sideBySide = async (target: QemuTarget, iommu?: string): Promise<void> => {
    await Promise.all(Array.from({ length: AT_A_TIME }, () => ofOneCard(target, iommu)));
  };
  const options = { time: 8000, warmupTime: 2000 };
  const many = `${HISTORIES} scenarios`;

  bench(`${many}, each in a process of its own`, () => ofOneCard(alone), options);
  bench(`${many} of as many cards, in a process that serves others`, () => ofOtherCards(shared), options);
  bench(`${many} of one card, in a process that serves others`, () => ofOneCard(shared), options);
  bench(`${AT_A_TIME} times ${many}, each in a process of its own`, () => sideBySide(alone), options);
  for (const iommu of ['type1', 'iommufd']) {
    bench(
      `${many} of as many cards on ${iommu}, in a process that serves others`,
      () => ofOtherCards(shared, iommu),
      options,
    );
    bench(
      `${AT_A_TIME} times ${many} of one card on ${iommu}, side by side`,
      () => sideBySide(shared, iommu),
      options,
    );
    bench(
      `${AT_A_TIME} times ${many} on ${iommu}, each in a process of its own`,
      () => sideBySide(alone, iommu),
      options,
    );
  }
  bench(`${AT_A_TIME} times ${many} of one card, side by side`, () => sideBySide(shared), options);
});
