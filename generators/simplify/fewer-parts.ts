import { ROM_SLOT } from '../../src/pci-layout/index.ts';
import type { Operation, Scenario } from '../../src/scenario/index.ts';
import { withDevice } from './with-device.ts';

const deviceOf = (operation: Operation): string | undefined =>
  'device' in operation ? operation.device : undefined;

/** Without one of the devices, and without its operations. */
export function* withFewerDevices(scenario: Scenario): Generator<Scenario> {
  for (const device of scenario.devices) {
    const { faults, ...host } = scenario.host;
    const left = faults?.filter((fault) => fault.device !== device.id) ?? [];
    yield {
      ...scenario,
      host: { ...host, ...(left.length > 0 && { faults: left }) },
      devices: scenario.devices.filter((other) => other !== device),
      operations: scenario.operations.filter((operation) => deviceOf(operation) !== device.id),
    };
  }
}

/** Without a stretch of operations (all, halves, quarters, single ones), or without two that form a pair. */
export function* withFewerOperations(scenario: Scenario): Generator<Scenario> {
  const { operations } = scenario;
  for (let length = operations.length; length >= 1; length = Math.floor(length / 2)) {
    for (let start = 0; start < operations.length; start += length) {
      yield { ...scenario, operations: operations.toSpliced(start, length) };
    }
  }
  for (const operation of operations) {
    if (operation.op !== 'add-region' || operation.kind !== 'rom-device') continue;
    yield {
      ...scenario,
      operations: operations.filter((other) => !('name' in other) || other.name !== operation.name),
    };
  }
  for (const [index, operation] of operations.entries()) {
    const partner = operations.findIndex((other, at) => at > index && closes(operation, other));
    if (partner === -1) continue;
    yield { ...scenario, operations: operations.filter((_, at) => at !== index && at !== partner) };
  }
}

/** Whether `second` undoes `first`: without both the scenario stays valid, without one it may not. */
function closes(first: Operation, second: Operation): boolean {
  if (first.op === 'begin') return second.op === 'commit';
  if (first.op === 'add-region') return second.op === 'remove-region' && second.name === first.name;
  if (first.op === 'unplug') return second.op === 'hotplug' && second.device === first.device;
  return first.op === 'disable-memory' && second.op === 'enable-memory' && second.device === first.device;
}

/** Without an expansion ROM, and without what the guest does with it. */
export function* withFewerRoms(scenario: Scenario): Generator<Scenario> {
  for (const [index, device] of scenario.devices.entries()) {
    const { rom, ...others } = device;
    const { rombar, romfile, ...options } = device.options;
    if (rom === undefined && rombar === undefined && romfile === undefined) continue;
    const operations = scenario.operations.filter(
      (operation) => deviceOf(operation) !== device.id || !isOfRom(operation),
    );
    yield { ...withDevice(scenario, index, { ...others, options }), operations };
  }
}

const isOfRom = (operation: Operation): boolean =>
  operation.op === 'set-rom' || ('bar' in operation && operation.bar === ROM_SLOT);

/** Without one of the BARs, with and without MSI-X. */
export function* withFewerBars(scenario: Scenario): Generator<Scenario> {
  for (const [index, device] of scenario.devices.entries()) {
    for (const bar of device.bars) {
      const bars = device.bars.filter((other) => other !== bar);
      const operations = scenario.operations.filter(
        (operation) => !('bar' in operation && operation.device === device.id && operation.bar === bar.index),
      );
      yield { ...withDevice(scenario, index, { ...device, bars }), operations };
      if (device.msix !== undefined) {
        const { msix: _, ...withoutMsix } = device;
        yield { ...withDevice(scenario, index, { ...withoutMsix, bars }), operations };
      }
    }
  }
}
