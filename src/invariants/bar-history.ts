import type { Range } from '../address/index.ts';
import type { Scenario } from '../scenario/index.ts';

const LOW_HALF = 0xffff_ffffn;

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
    if (!('bar' in operation) || operation.bar !== bar) continue;
    if (operation.op === 'set-bar') {
      low = operation.address & LOW_HALF;
      note();
      if (is64Bit) high = operation.address >> 32n;
      note();
    }
    if (operation.op === 'size-bar') {
      values.push((high << 32n) | LOW_HALF, (LOW_HALF << 32n) | low);
    }
  }
  return values.map((value) => {
    const start = value - (value % size);
    return { start, end: start + size };
  });
}
