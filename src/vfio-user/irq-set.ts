import { EINVAL } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';
import { argsz, fixedPart } from './payload-reader.ts';

/** The data of a DEVICE_SET_IRQS: nothing, a byte for each interrupt, or an eventfd for each. */
export type IrqData = 'none' | 'bool' | 'eventfd';
/** The action of a DEVICE_SET_IRQS. */
export type IrqAction = 'mask' | 'unmask' | 'trigger';

/** A DEVICE_SET_IRQS of the client. */
export interface IrqSet {
  readonly data: IrqData;
  readonly action: IrqAction;
  /** The flags of the message (linux/vfio.h: VFIO_IRQ_SET_*). */
  readonly flags: number;
  /** 0 INTx, 1 MSI, 2 MSI-X, 3 error, 4 request. */
  readonly index: number;
  /** The first interrupt. */
  readonly start: number;
  /** How many interrupts; 0 with data `none` disables the index. */
  readonly count: number;
}

const FIXED_BYTES = 20;
const DATA: ReadonlyMap<number, IrqData> = new Map([
  [1, 'none'],
  [2, 'bool'],
  [4, 'eventfd'],
]);
const ACTION: ReadonlyMap<number, IrqAction> = new Map([
  [0x08, 'mask'],
  [0x10, 'unmask'],
  [0x20, 'trigger'],
]);
const DATA_MASK = 0x07;
const ACTION_MASK = 0x38;

/**
 * Reads {u32 argsz, u32 flags, u32 index, u32 start, u32 count} and, for `bool`, a byte for each interrupt.
 *
 * @param counts how many interrupts the device has of each index.
 * @param descriptors how many file descriptors came with the message.
 * @throws MalformedMessage (EINVAL) for what Linux vfio_main.c:vfio_set_irqs_validate_and_prepare refuses, a payload
 *   that is longer or shorter than its data, and a wrong number of descriptors.
 */
export function decodeIrqSet(payload: Uint8Array, counts: readonly number[], descriptors: number): IrqSet {
  const view = fixedPart(payload, 'DEVICE_SET_IRQS', FIXED_BYTES, false);
  argsz(view, 'DEVICE_SET_IRQS', FIXED_BYTES);
  const flags = view.getUint32(4, true);
  const index = view.getUint32(8, true);
  const start = view.getUint32(12, true);
  const count = view.getUint32(16, true);
  const data = DATA.get(flags & DATA_MASK);
  const action = ACTION.get(flags & ACTION_MASK);
  if (data === undefined || action === undefined || (flags & ~(DATA_MASK | ACTION_MASK)) !== 0) {
    throw refusal(`flags ${flags}, allowed one kind of data and one action`);
  }
  const available = counts[index];
  if (available === undefined) throw refusal(`index ${index}, allowed 0 to ${counts.length - 1}`);
  if (start + count > available) {
    throw refusal(`${count} interrupts from ${start} on, but index ${index} has ${available}`);
  }
  if (count === 0 && (data !== 'none' || start !== 0))
    throw refusal('count 0, allowed only without data and with start 0');
  fixedPart(payload, 'DEVICE_SET_IRQS', FIXED_BYTES + (data === 'bool' ? count : 0));
  // One descriptor for each interrupt sets the eventfds. No descriptor at all takes the eventfds away.
  if (descriptors !== 0 && (data !== 'eventfd' || descriptors !== count)) {
    throw refusal(`${descriptors} descriptors for ${count} interrupts with data "${data}"`);
  }
  return { data, action, flags, index, start, count };
}

const refusal = (problem: string): MalformedMessage =>
  new MalformedMessage(`DEVICE_SET_IRQS: ${problem}`, EINVAL);
