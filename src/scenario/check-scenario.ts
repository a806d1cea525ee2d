import type { ScenarioDecoder } from './scenario-decoder.ts';
import { isColdPlugged, type Operation, type Scenario } from './scenario.ts';

/**
 * Reports parts of a scenario that contradict one another. Examples: a machine that QEMU refuses to build, or an
 * operation on a device, region or transaction that does not exist at that point.
 *
 * @param path of the scenario in the document; empty where the scenario is the document.
 */
export function checkScenario(scenario: Scenario, decoder: ScenarioDecoder, path: string): void {
  const at = (place: string): string => (path === '' ? place : `${path}.${place}`);
  const { machine, host } = scenario;
  // Only QEMU's pseries machine has an sPAPR IOMMU, and with it DMA windows.
  if (host.iommu.type === 'spapr-tce-v2' && machine.type !== 'pseries') {
    decoder.report(at('host.iommu.type'), `spapr-tce-v2 is for pseries machines, not for ${machine.type}`);
  }
  // QEMU refuses a memory backend that is not a multiple of the host page size.
  if (machine.ram % machine.hostPageSize !== 0n) {
    decoder.report(at('machine.ram'), 'expected a multiple of hostPageSize');
  }
  checkOperations(scenario, decoder, at('operations'));
}

function checkOperations(scenario: Scenario, decoder: ScenarioDecoder, path: string): void {
  const devices = new Map(scenario.devices.map((device) => [device.id, device]));
  const plugged = new Set([...devices.keys()].filter((id) => isColdPlugged(scenario, id)));
  const overlays = new Set<string>();
  let depth = 0;

  const checkDevice = (operation: Extract<Operation, { device: string }>, at: string): void => {
    const device = devices.get(operation.device);
    if (device === undefined) {
      decoder.report(`${at}.device`, `no device has the id ${JSON.stringify(operation.device)}`);
      return;
    }
    if (operation.op === 'hotplug') {
      if (plugged.has(device.id)) decoder.report(at, `${device.id} is plugged in already`);
      plugged.add(device.id);
    } else if (!plugged.has(device.id)) {
      decoder.report(at, `${device.id} is not plugged in`);
    }
    if (operation.op === 'unplug') plugged.delete(device.id);
    if (operation.op === 'mask-vector' && operation.vector >= (device.msix?.vectors ?? 0)) {
      decoder.report(`${at}.vector`, `${device.id} has ${device.msix?.vectors ?? 0} vectors`);
    }
  };

  for (const [index, operation] of scenario.operations.entries()) {
    const at = `${path}[${index}]`;
    switch (operation.op) {
      case 'add-region':
        if (overlays.has(operation.name))
          decoder.report(`${at}.name`, 'a region with this name exists already');
        overlays.add(operation.name);
        break;
      case 'remove-region':
        if (!overlays.delete(operation.name)) decoder.report(`${at}.name`, 'no region with this name exists');
        break;
      case 'begin':
        depth++;
        break;
      case 'commit':
        if (depth === 0) decoder.report(at, 'no transaction is open');
        else depth--;
        break;
      case 'reset':
        break;
      default:
        checkDevice(operation, at);
    }
  }
  if (depth > 0) decoder.report(path, 'a transaction is left open');
}
