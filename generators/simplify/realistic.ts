import { alignDown, alignUp, contains } from '../../src/address/index.ts';
import {
  isColdPlugged,
  pciWindows,
  type BarSpec,
  type MachineType,
  type Operation,
  type Scenario,
} from '../../src/scenario/index.ts';
import { FirmwareLayout, PLAIN_STYLE } from '../firmware-layout.ts';
import { asReal } from '../real-machine.ts';
import { onMachine } from './machines.ts';

const REAL_TYPES: readonly MachineType[] = ['q35', 'virt', 'pseries', 'pc'];

/**
 * Scenarios that a real machine can show rather than this one: on a machine that QEMU has, with BARs where firmware puts
 * them, and in the order in which operating systems change them.
 */
export function* asFirmwareSetsItUp(scenario: Scenario): Generator<Scenario> {
  yield* placed(scenario);
  for (const type of REAL_TYPES) {
    if (type === scenario.machine.type || scenario.revision.startsWith('cloud-hypervisor')) continue;
    const { machine } = scenario;
    for (const real of [{ ...machine, type }, asReal({ ...machine, type })]) {
      for (const moved of onMachine(scenario, real)) {
        yield moved;
        yield* placed(moved);
      }
    }
  }
}

/** With other addresses and in another order. */
function* placed(scenario: Scenario): Generator<Scenario> {
  yield inTheOrderOfFirmware(atFirmwareAddresses(scenario));
  yield inTheOrderOfFirmware(insideTheWindows(scenario, 'high'));
  yield inTheOrderOfFirmware(insideTheWindows(scenario, 'low'));
  yield inTheOrderOfFirmware(scenario);
}

const barOf = (scenario: Scenario, { device, bar }: { device: string; bar: number }): BarSpec | undefined =>
  scenario.devices.find(({ id }) => id === device)?.bars.find(({ index }) => index === bar);

/** Every BAR at the one address that firmware gives it. */
function atFirmwareAddresses(scenario: Scenario): Scenario {
  const later = new Set(scenario.devices.map(({ id }) => id).filter((id) => !isColdPlugged(scenario, id)));
  const layout = new FirmwareLayout(PLAIN_STYLE, scenario, scenario.devices, later);
  const operations = scenario.operations.map((operation) =>
    operation.op === 'set-bar'
      ? { ...operation, address: layout.addressOf(operation.device, operation.bar) ?? operation.address }
      : operation,
  );
  return { ...scenario, operations };
}

const MIB = 1n << 20n;

/** Every BAR inside a window, as far into its MiB as before, so that BARs that share a page still share one. */
function insideTheWindows(scenario: Scenario, preferred: 'low' | 'high'): Scenario {
  const { low, high = low } = pciWindows(scenario);
  const operations = scenario.operations.map((operation) => {
    const bar = operation.op === 'set-bar' ? barOf(scenario, operation) : undefined;
    if (operation.op !== 'set-bar' || bar === undefined || bar.type === 'io') return operation;
    const window = bar.type.startsWith('mem64') && preferred === 'high' ? high : low;
    const range = { start: operation.address, end: operation.address + bar.size };
    if (contains(window, range)) return operation;
    const unit = bar.size > MIB ? bar.size : MIB;
    const start = alignUp(window.start, unit) + alignDown(operation.address % unit, bar.size);
    return { ...operation, address: start };
  });
  return { ...scenario, operations };
}

/** Memory enabled once all BARs have addresses, and disabled while a 64-bit BAR moves or a BAR is sized. */
function inTheOrderOfFirmware(scenario: Scenario): Scenario {
  const operations: Operation[] = [];
  const decoding = new Set<string>();
  const given = scenario.operations;
  for (const [index, operation] of given.entries()) {
    if (operation.op === 'reset') decoding.clear();
    if (operation.op === 'unplug' || operation.op === 'disable-memory') decoding.delete(operation.device);
    if (operation.op === 'enable-memory') {
      // The BARs that follow get their addresses first.
      if (isBeforeItsBars(given, index)) continue;
      decoding.add(operation.device);
    }
    const isChange = operation.op === 'set-bar' || operation.op === 'size-bar';
    if (!isChange) {
      operations.push(operation);
      continue;
    }
    const { device } = operation;
    if (!decoding.has(device)) {
      operations.push(operation);
      if (wasEnabledBefore(given, index)) {
        operations.push({ op: 'enable-memory', device });
        decoding.add(device);
      }
      continue;
    }
    operations.push({ op: 'disable-memory', device }, operation, { op: 'enable-memory', device });
  }
  return { ...scenario, operations };
}

type OfDevice = Extract<Operation, { device: string }>;

/** Whether the device's next operation after place `index`, where memory is enabled, is the first set-bar. */
function isBeforeItsBars(operations: readonly Operation[], index: number): boolean {
  const { device } = operations[index] as OfDevice;
  const isOfBars = (operation: Operation): boolean =>
    operation.op === 'set-bar' && operation.device === device;
  const next = operations[index + 1];
  return next !== undefined && isOfBars(next) && !operations.slice(0, index).some(isOfBars);
}

/** Whether the set-bar at place `index` is the last of the row that follows an `enable-memory` moved behind the row. */
function wasEnabledBefore(operations: readonly Operation[], index: number): boolean {
  const { device } = operations[index] as OfDevice;
  const isOfRow = (operation: Operation | undefined): boolean =>
    operation?.op === 'set-bar' && operation.device === device;
  if (isOfRow(operations[index + 1])) return false;
  let first = index;
  while (isOfRow(operations[first - 1])) first--;
  const before = operations[first - 1];
  return before?.op === 'enable-memory' && before.device === device && isBeforeItsBars(operations, first - 1);
}
