import type { CleanLine } from '../text/clean-text.ts';

/** The lines of one device. */
export interface DeviceBlock {
  /** `10000:e1:00.0`; `undefined` for a fragment without its first line. */
  readonly address: string | undefined;
  /** The rest of the first line. */
  readonly title: string | undefined;
  readonly lines: readonly CleanLine[];
}

/** `05:00.0 Class: name`, with a domain of four to eight digits or none, perhaps behind a list mark. */
const HEADING = /^\s*(?:[-*+]\s+)?((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7])[ \t]+(\S.*)$/i;
/** `lspci -vmm`. */
const SLOT = /^\s*Slot:\s+((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7])$/i;
/** A line that only `lspci -v` and `-vv` print. */
const DETAIL =
  /(?:\bRegion \d: |\bMemory at (?:[0-9a-f]{4,16}|<)|\bI\/O ports at (?:[0-9a-f]{3,8}|<)|\bCapabilities: [[<]|\bVector table: BAR=|\bPBA: BAR=|\bMSI-X: Enable[+-]|\bExpansion ROM at |\bSubsystem: |\bFlags: (?:bus master|fast devsel|medium devsel)|\bControl: I\/O[+-]|\bKernel driver in use: )/;
/** A row of the configuration space: `10: 0c 00 00 50 …`. */
const HEX_ROW =
  /^\s*[0-9a-f]{2,8}:?\s+(?:(?:[0-9a-f]{2}[ \t]+){7,15}[0-9a-f]{2}\b|(?:[0-9a-f]{4} ){7}[0-9a-f]{4}\b)/i;

/** Whether only a text about a device has such a line. */
const isDeviceDetail = (text: string): boolean => DETAIL.test(text) || HEX_ROW.test(text);

/**
 * The devices of an lspci text, in order. Lines before the first heading are a device of their own if they show
 * a part of one.
 */
export function splitDevices(lines: readonly CleanLine[]): readonly DeviceBlock[] {
  const blocks: DeviceBlock[] = [];
  let address: string | undefined;
  let title: string | undefined;
  let rest: CleanLine[] = [];
  const close = (): void => {
    if (address !== undefined || rest.some(({ text }) => isDeviceDetail(text)))
      blocks.push({ address, title, lines: rest });
  };
  for (const line of lines) {
    const match = HEADING.exec(line.text) ?? SLOT.exec(line.text);
    if (match === null) {
      rest.push(line);
      continue;
    }
    close();
    address = match[1]!.toLowerCase();
    title = match[2];
    rest = [];
  }
  close();
  return blocks;
}
