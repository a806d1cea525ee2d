import type { Range } from '../address/index.ts';
import { BAR_COUNT } from '../pci-layout/index.ts';
import type { Scenario } from '../scenario/index.ts';

const LOW_HALF = 0xffff_ffffn;

/** What a BAR's register holds in the end. */
export interface Written {
  readonly address: bigint;
  /** Whether a reset wrote it, and not the guest. */
  readonly byReset: boolean;
}

/**
 * What a BAR's register holds after the last operation, without regard to the BAR's size. `undefined` for a BAR that the
 * device does not have, and for a 64-bit BAR 5, whose upper half has no register.
 */
export function lastWritten(
  { devices, operations }: Scenario,
  device: string,
  bar: number,
): Written | undefined {
  const type = devices.find(({ id }) => id === device)?.bars.find(({ index }) => index === bar)?.type;
  if (type === undefined || (bar === BAR_COUNT - 1 && type.startsWith('mem64'))) return undefined;
  const is64Bit = type.startsWith('mem64');
  let written: Written = { address: 0n, byReset: true };
  for (const operation of operations) {
    const isOwn = 'device' in operation && operation.device === device;
    if (operation.op === 'reset' || (isOwn && operation.op === 'hotplug'))
      written = { address: 0n, byReset: true };
    if (operation.op !== 'set-bar' || !isOwn) continue;
    const { address } = operation;
    if (operation.bar === bar) written = { address: is64Bit ? address : address & LOW_HALF, byReset: false };
    else if (is64Bit && operation.bar === bar + 1)
      written = { address: ((address & LOW_HALF) << 32n) | (written.address & LOW_HALF), byReset: false };
  }
  return written;
}

/** What the register of the expansion ROM holds in the end. */
export interface RomWritten extends Written {
  /** Whether its enable bit is set. */
  readonly enabled: boolean;
}

/** What the register of the device's expansion ROM holds after the last operation, without regard to the ROM's size. */
export function lastRomWritten({ operations }: Scenario, device: string): RomWritten {
  const last = operations.findLast(
    (operation) =>
      operation.op === 'reset' ||
      ((operation.op === 'set-rom' || operation.op === 'hotplug') && operation.device === device),
  );
  return last?.op === 'set-rom'
    ? { address: last.address, enabled: last.enabled, byReset: false }
    : { address: 0n, enabled: false, byReset: true };
}

/**
 * Whether a reset, or the device's plugging in, wrote the enable bit of a space last, and not the guest.
 *
 * @param space `io` for the bit of BARs of ports.
 */
export function isCommandReset(
  { operations }: Scenario,
  device: string,
  space: 'memory' | 'io' = 'memory',
): boolean {
  const last = operations.findLast(
    (operation) =>
      operation.op === 'reset' ||
      ('device' in operation &&
        operation.device === device &&
        ['hotplug', `enable-${space}`, `disable-${space}`].includes(operation.op)),
  );
  return last === undefined || last.op === 'reset' || last.op === 'hotplug';
}

/**
 * Every place at which a BAR may decode by what the guest wrote into its registers, the places between two writes
 * included: a 64-bit BAR is written in two halves, and sizing sets each half to all ones (pci fact 4.6).
 *
 * @param device id of the device.
 * @param bar index of the BAR.
 * @param size bytes that the BAR decodes: a power of two.
 */
export function placesWritten(
  { devices, operations }: Scenario,
  device: string,
  bar: number,
  size: bigint,
): readonly Range[] {
  const spec = devices.find(({ id }) => id === device)?.bars.find(({ index }) => index === bar);
  if (spec === undefined) return [];
  const is64Bit = spec.type.startsWith('mem64');
  const values: bigint[] = [0n];
  let [low, high] = [0n, 0n];
  const note = (): void => void values.push((high << 32n) | low);
  for (const operation of operations) {
    if (operation.op === 'reset') {
      [low, high] = [0n, 0n];
      note();
    }
    if (!('device' in operation) || operation.device !== device) continue;
    if (operation.op === 'hotplug') [low, high] = [0n, 0n];
    if (!('bar' in operation)) continue;
    // The guest may write the upper half alone, as the register behind the BAR's.
    if (is64Bit && operation.bar === bar + 1) {
      if (operation.op === 'set-bar') high = operation.address & LOW_HALF;
      if (operation.op === 'size-bar') values.push(((operation.probe ?? LOW_HALF) << 32n) | low);
      note();
    }
    if (operation.bar !== bar) continue;
    if (operation.op === 'set-bar') {
      low = operation.address & LOW_HALF;
      note();
      if (is64Bit) high = operation.address >> 32n;
      note();
    }
    if (operation.op === 'size-bar') {
      values.push((high << 32n) | (operation.probe ?? LOW_HALF), (LOW_HALF << 32n) | low);
    }
  }
  return values.map((value) => {
    const start = value - (value % size);
    return { start, end: start + size };
  });
}
