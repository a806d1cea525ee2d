import { isLogLine, joined } from './log/read-log.ts';
import { completeFromConfig } from './lspci/complete-from-config.ts';
import type { PastedDevice } from './lspci/pasted-device.ts';
import { readDevice } from './lspci/read-device.ts';
import { isResourceLine, mergeResource, readResource } from './lspci/read-resource.ts';
import { splitRunOn } from './lspci/split-run-on.ts';
import { splitDevices } from './lspci/split-devices.ts';
import { readDump, type Dump } from './mtree/dump.ts';
import { isMtreeLine } from './mtree/mtree-line.ts';
import { cleanText, type CleanLine } from './text/clean-text.ts';
import { looksLikeJson, unpackText } from './text/unpack-text.ts';

/** A text or the bytes of a file, as the user gives it. */
export interface Source {
  /** The file, for messages. */
  readonly name: string;
  readonly text: string;
  /** The raw configuration space, where the file is one. */
  readonly config?: Uint8Array | undefined;
  /** The address of the device, where the file or folder is named by it. */
  readonly address?: string | undefined;
  /** The user typed the text in place of a file's name. */
  readonly isTyped?: boolean;
}

/** What was found in a text. */
export interface ReadSource {
  readonly name: string;
  readonly lines: readonly CleanLine[];
  readonly devices: readonly PastedDevice[];
  readonly dump: Dump | undefined;
  readonly logLines: readonly CleanLine[];
  /** The text, where it is a scenario or a stored case. */
  readonly json: string | undefined;
}

const NO_LINES: readonly CleanLine[] = [];

/** Looks for everything that barproof knows in a text: a report often has several kinds of it. */
export function readSource({ name, text: given, config, address }: Source): ReadSource {
  const text = config === undefined ? unpackText(given) : given;
  if (looksLikeJson(text) && config === undefined && !isLogOfObjects(text))
    return { name, lines: NO_LINES, devices: [], dump: undefined, logLines: [], json: text };
  const lines = unwrapped(splitRunOn(cleanText(text)));
  const mtree: CleanLine[] = [];
  const logLines: CleanLine[] = [];
  const rest: CleanLine[] = [];
  let hasMtree = false;
  for (const line of lines) {
    if (isMtreeLine(line)) hasMtree = true;
    else if (isLogLine(line.text)) {
      logLines.push(line);
      continue;
    }
    mtree.push(line);
    rest.push(line);
  }
  const dump = hasMtree ? readDump(mtree) : undefined;
  return {
    name,
    lines,
    devices: dump !== undefined && !rest.some(isOfDevice) ? [] : devicesIn(rest, config, address),
    dump,
    logLines: withContinuations(lines, logLines),
    json: undefined,
  };
}

/** In longer texts a log stands as the program wrote it. */
const MOST_WRAPPED_LINES = 500;

/** Joins two lines where a rule knows both together and neither alone: a mail program has wrapped the message. */
function unwrapped(lines: readonly CleanLine[]): readonly CleanLine[] {
  if (lines.length > MOST_WRAPPED_LINES) return lines;
  const whole: CleanLine[] = [];
  for (const line of lines) {
    const last = whole.at(-1);
    if (last !== undefined && areOneMessage(last, line))
      whole[whole.length - 1] = { ...last, text: joined(last, line) };
    else whole.push(line);
  }
  return whole;
}

const areOneMessage = (line: CleanLine, next: CleanLine): boolean =>
  next.number === line.number + 1 &&
  next.text.trim() !== '' &&
  ![line, next].some((one) => isMtreeLine(one) || isLogLine(one.text)) &&
  isLogLine(joined(line, next));

/** Whether the text is an error of QMP or a log in JSON: a scenario and a stored case have other keys. */
function isLogOfObjects(text: string): boolean {
  if (/"(?:version|machine|scenario|devices)"\s*:/.test(text)) return false;
  return text.split('\n', MOST_LOG_LINES).some(isLogLine);
}

/** So many lines of a log in JSON are looked at to tell it from a scenario. */
const MOST_LOG_LINES = 10_000;

/** Some word that every text about a device has. */
const isOfDevice = ({ text }: CleanLine): boolean =>
  /Capabilities:|Region \d|Memory at |I\/O ports at |MSI-X: |Subsystem:|Flags: /.test(text);

function devicesIn(
  lines: readonly CleanLine[],
  config: Uint8Array | undefined,
  address: string | undefined,
): readonly PastedDevice[] {
  const resource = lines.filter(({ text }) => isResourceLine(text));
  const blocks = splitDevices(lines);
  const read = blocks.map(readDevice);
  if (resource.length === 0 && config === undefined) return read;
  const bars = readResource(resource.map(({ text }) => text));
  const named = address ?? addressInPath(lines);
  const base: PastedDevice = read[0] ?? { ...EMPTY_DEVICE, address: named };
  const completed = config === undefined ? base : completeFromConfig(base, config);
  const merged: PastedDevice = {
    ...completed,
    address: completed.address ?? named,
    bars: mergeResource(completed.bars, bars),
    countedIndexes: bars.length > 0 ? false : completed.countedIndexes,
    hasDetails: true,
  };
  return [merged, ...read.slice(1)];
}

/** The device whose file of sysfs the text shows: `cat /sys/bus/pci/devices/0000:05:00.0/resource`. */
const addressInPath = (lines: readonly CleanLine[]): string | undefined =>
  lines
    .map(({ text }) =>
      /\/sys\/\S*\/([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])\/(?:resource|config)\b/i.exec(text),
    )
    .find((match) => match !== null)?.[1];

const EMPTY_DEVICE: PastedDevice = {
  address: undefined,
  title: undefined,
  vendorId: undefined,
  deviceId: undefined,
  bars: [],
  msix: undefined,
  capabilities: 'absent',
  isBridge: false,
  isSilent: false,
  resizable: [],
  driver: undefined,
  iommuGroup: undefined,
  countedIndexes: false,
  hasDetails: true,
};

/** The lines of the log with the line behind each: a mail program may have wrapped a call. */
function withContinuations(lines: readonly CleanLine[], found: readonly CleanLine[]): readonly CleanLine[] {
  if (found.length === 0) return found;
  const numbers = new Set(found.flatMap(({ number }) => [number, number + 1, number + 2]));
  return lines.filter(({ number }) => numbers.has(number));
}
