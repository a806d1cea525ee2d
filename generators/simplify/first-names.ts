import type { Scenario } from '../../src/scenario/index.ts';
import { withDevice } from './with-device.ts';

const FIRST_DEVICE = 'dev0';

/** Renames a lone device `dev0`. */
export function* withFirstDeviceName(scenario: Scenario): Generator<Scenario> {
  const [device] = scenario.devices;
  if (device === undefined || device.id === FIRST_DEVICE || scenario.devices.length > 1) return;
  const { faults } = scenario.host;
  const renamed = faults?.map((fault) =>
    fault.device === undefined ? fault : { ...fault, device: FIRST_DEVICE },
  );
  yield {
    ...scenario,
    host: { ...scenario.host, ...(renamed && { faults: renamed }) },
    devices: [{ ...device, id: FIRST_DEVICE, name: FIRST_DEVICE }],
    operations: scenario.operations.map((operation) =>
      'device' in operation ? { ...operation, device: FIRST_DEVICE } : operation,
    ),
  };
}

/** Makes a lone BAR BAR 0, also in the MSI-X capability and in the operations. */
export function* withFirstBar(scenario: Scenario): Generator<Scenario> {
  for (const [at, device] of scenario.devices.entries()) {
    const [bar] = device.bars;
    if (bar === undefined || bar.index === 0 || device.bars.length > 1) continue;
    const { msix } = device;
    const renumber = (index: number): number => (index === bar.index ? 0 : index);
    const moved = {
      ...device,
      bars: [{ ...bar, index: 0 }],
      ...(msix && { msix: { ...msix, tableBar: renumber(msix.tableBar), pbaBar: renumber(msix.pbaBar) } }),
    };
    yield {
      ...withDevice(scenario, at, moved),
      operations: scenario.operations.map((operation) =>
        'bar' in operation && operation.device === device.id
          ? { ...operation, bar: renumber(operation.bar) }
          : operation,
      ),
    };
  }
}
