import { BAR_COUNT } from '../../pci-layout/index.ts';
import { missingFacts } from '../device/missing-facts.ts';
import { completeFromConfig } from './complete-from-config.ts';
import { readHexRows } from './hex-rows.ts';
import type { CapabilityView, MsixPlace, PastedBar, PastedDevice, PastedMsix } from './pasted-device.ts';
import type { DeviceBlock } from './split-devices.ts';

const BAR =
  /(?:Region (\d): )?(\[virtual\] )?(Memory|I\/O ports) at (\S+)(?: \(([^()]*)\))?((?: (?!\[virtual\] (?:Expansion|Memory|I\/O))\[[^[\]]*\])*)/g;
const SIZE = /^size=(\d+)([KMGT]?)$/;
const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  K: 1n << 10n,
  M: 1n << 20n,
  G: 1n << 30n,
  T: 1n << 40n,
};
/** From Linux 3.3 of pciutils on, and before. */
const MSIX =
  /MSI-X: (?:Enable[+-] Count=(\d+)|Enable[+-] Mask(?:ed)?[+-] TabSize=(\d+)|Mask[+-] TabSize=(\d+))/;
const PLACE = (name: string): RegExp => new RegExp(`${name}: BAR=(\\d) offset= ?([0-9a-f]{1,16})\\b`);
const TABLE = PLACE('Vector table');
const PBA = PLACE('PBA');
/** `[8086:10fb]`, or without names `Class 0880: Device 8086:0b25`, `0200: 8086:10fb`. */
const IDS = /\[([0-9a-f]{4}):([0-9a-f]{4})\]|(?:Device|[0-9a-f]{4}:) ([0-9a-f]{4}):([0-9a-f]{4})\b/i;
const BRIDGE = /\bBus: primary=|\bPCI bridge\b|\bbehind bridge: |\bCardBus bridge\b/;
const SILENT = /Unknown header type 7f|\(rev ff\)|\(prog-if ff\).*\(rev ff\)/;
const RESIZABLE = /BAR (\d): current size: \S+, supported: ((?:\d+[KMGT]?B ?)+)/g;
const ENTRY =
  /BAR Equivalent Indicator: BAR (\d)(?:.*?)PrimaryProperties: ([^:]*?)(?: SecondaryProperties:.*?)? Base: ([0-9a-f]+) MaxOffset: ([0-9a-f]+)/g;

/**
 * Reads one device out of its lines. Wrapped lines and lost indents do no harm: the words stand in their order. A
 * terminal also cuts words; then the reading that leaves fewer facts open counts.
 */
export function readDevice(block: DeviceBlock): PastedDevice {
  const read = readWords(block, joinedBySpaces(block));
  if (missingFacts(read).length === 0) return read;
  const cut = joinedAtWidth(block);
  if (cut === undefined) return read;
  const other = readWords(block, cut);
  return missingFacts(other).length < missingFacts(read).length ? other : read;
}

const joinedBySpaces = ({ lines }: DeviceBlock): string =>
  lines
    .map((line) => line.text)
    .join(' ')
    .replaceAll(/\s+/g, ' ');

/** The narrowest terminal that is likely. */
const LEAST_WIDTH = 60;

/** The lines with those of full width joined to the next one; `undefined` where no line looks cut. */
function joinedAtWidth({ lines }: DeviceBlock): string | undefined {
  const width = lines.reduce((widest, { text }) => Math.max(widest, text.length), 0);
  const isCut = (index: number): boolean =>
    lines[index]!.text.length === width && /^\S/.test(lines[index + 1]?.text ?? '');
  if (width < LEAST_WIDTH || !lines.some((_, index) => isCut(index))) return undefined;
  return lines
    .map(({ text }, index) => text + (isCut(index) ? '' : ' '))
    .join('')
    .replaceAll(/\s+/g, ' ');
}

function readWords({ address, title, lines }: DeviceBlock, text: string): PastedDevice {
  const whole = `${title ?? ''} ${text}`;
  // The regions of virtual functions stand among the capabilities.
  const [own] = splitAt(text, text.indexOf('Capabilities:'));
  const listed = [...own.matchAll(BAR)].map(readBar);
  const bars = [...countIndexes(listed), ...enhancedBars(text, listed)];
  const ids = IDS.exec(`${title ?? ''} ${own.slice(0, 300)}`);
  const read: PastedDevice = {
    address,
    title: title?.replace(/^Class:\s*/, ''),
    vendorId: hexNumber(ids?.[1] ?? ids?.[3]),
    deviceId: hexNumber(ids?.[2] ?? ids?.[4]),
    bars,
    msix: readMsix(text),
    capabilities: capabilityView(text),
    isBridge: BRIDGE.test(whole),
    isSilent: SILENT.test(whole),
    resizable: [...text.matchAll(RESIZABLE)].map(([, index, sizes]) => `BAR ${index}: ${sizes!.trim()}`),
    driver: /Kernel driver in use: (\S+)/.exec(text)?.[1],
    iommuGroup: /IOMMU group:? (\d+)/.exec(text)?.[1],
    countedIndexes: listed.length > 0 && listed.every(({ index }) => index === undefined),
    hasDetails: text.trim() !== '',
  };
  const config = readHexRows(lines.map((line) => line.text));
  return config === undefined ? read : completeFromConfig(read, config);
}

const splitAt = (text: string, index: number): [before: string, after: string] =>
  index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index)];

const hexNumber = (digits: string | undefined): number | undefined =>
  digits === undefined ? undefined : Number.parseInt(digits, 16);

function readBar(match: RegExpMatchArray): PastedBar {
  const [, index, virtual, kind, at, properties = '', brackets = ''] = match;
  const marks = [...brackets.matchAll(/\[([^[\]]*)\]/g)].map(([, mark]) => mark!);
  const size = marks.map((mark) => SIZE.exec(mark)).find((found) => found !== null);
  const isIo = kind !== 'Memory';
  return {
    index: index === undefined ? undefined : Number(index),
    space: isIo ? 'io' : 'memory',
    width: widthOf(isIo, properties),
    prefetchable: /(?:^|, )prefetchable/.test(properties),
    address: /^[0-9a-f]{1,16}$/i.test(at!) ? BigInt(`0x${at}`) : undefined,
    size: size === undefined ? undefined : BigInt(size[1]!) * UNITS[size[2]!]!,
    marks: [
      ...(virtual === undefined ? [] : ['virtual']),
      ...(at!.startsWith('<') ? [at!.replaceAll(/[<>]/g, '')] : []),
      ...marks.filter((mark) => !SIZE.test(mark)),
    ],
  };
}

function widthOf(isIo: boolean, properties: string): 32 | 64 | undefined {
  if (isIo) return 32;
  if (properties.includes('64-bit')) return 64;
  return properties.includes('type 3') ? undefined : 32;
}

/** `lspci -v` prints no indexes: each BAR takes the next register, and one of 64 bits takes two. */
function countIndexes(bars: readonly PastedBar[]): readonly PastedBar[] {
  let next = 0;
  return bars.map((bar) => {
    const index = bar.index ?? next;
    next = index + (bar.width === 64 ? 2 : 1);
    return { ...bar, index: index < BAR_COUNT ? index : undefined };
  });
}

/** The BARs that the capability Enhanced Allocation fixes. */
function enhancedBars(text: string, listed: readonly PastedBar[]): readonly PastedBar[] {
  const start = text.indexOf('Enhanced Allocation');
  if (start === -1) return [];
  return [...text.slice(start).matchAll(ENTRY)]
    .map(([, index, properties = '', base, last]): PastedBar => ({
      index: Number(index),
      space: properties.includes('I/O') ? 'io' : 'memory',
      width: 64,
      prefetchable: /(?:^|, )prefetchable/.test(properties),
      address: BigInt(`0x${base}`),
      size: BigInt(`0x${last}`) + 1n,
      marks: ['enhanced'],
    }))
    .filter(({ index }) => !listed.some((bar) => bar.index === index));
}

function readMsix(text: string): PastedMsix | undefined {
  const count = MSIX.exec(text);
  const table = readPlace(TABLE.exec(text));
  const pba = readPlace(PBA.exec(text));
  if (count === null && table === undefined) return undefined;
  const vectors = count?.slice(1).find((number) => number !== undefined);
  return { vectors: vectors === undefined ? undefined : Number(vectors), table, pba };
}

const readPlace = (match: RegExpExecArray | null): MsixPlace | undefined =>
  match === null ? undefined : { bar: Number(match[1]), offset: BigInt(`0x${match[2]}`) };

function capabilityView(text: string): CapabilityView {
  if (/Capabilities: <access denied>/.test(text)) return 'denied';
  // The device says that it has none.
  if (text.includes('Status: Cap- ')) return 'in full';
  // The list begins below 0x100: a text without such a capability is an excerpt.
  if (!/Capabilities: \[[0-9a-f]{2}\]/.test(text) && !TABLE.test(text)) return 'absent';
  // Only -vv goes into the capabilities.
  return /\bRegion \d: |Vector table: BAR=|DevCap:|LnkCap:|Control: I\/O/.test(text) ? 'in full' : 'names';
}
