import type { Decoder } from './decoder.ts';
import { isColdPlugged, type Operation, type Scenario } from './scenario.ts';

/** Reports operations that contradict the devices or one another: a sequence that nobody could carry out. */
export function checkOperations(scenario: Scenario, decoder: Decoder, path: string): void {
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
          decoder.report(`${at}.name`, 'there is a region of that name already');
        overlays.add(operation.name);
        break;
      case 'remove-region':
        if (!overlays.delete(operation.name))
          decoder.report(`${at}.name`, 'no region of that name was added');
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
