import { hex, type Range, type Size } from '../../address/index.ts';
import { printable } from '../../input/index.ts';
import { msixTableSize } from '../../pci-layout/index.ts';
import { bytes, fittedText, lineWidth, shortened, table, wrap } from '../../report/index.ts';
import type { PastedBar, PastedDevice } from '../lspci/pasted-device.ts';
import type { DeviceAnswer } from './explain-device.ts';
import type { SubPageBar } from './sub-page-bars.ts';
import { trappedSize } from './machine-text.ts';
import type { RelocationRow } from './relocations.ts';
import type { TrappingRow } from './trapping.ts';

const INDENT = '   ';

/** What barproof says of one device, for people. */
export function deviceText(answer: DeviceAnswer): string {
  const parts = [
    barLines(answer.device),
    ...answer.remarks.map((remark) => wrap(remark, lineWidth())),
    missingLines(answer),
    startLines(answer),
    tableLines(answer),
    trappingLines(answer),
    subPageLines(answer),
    relocationLines(answer),
    peerToPeerLines(answer),
  ].filter((lines) => lines.length > 0);
  const body = parts.map((lines) => fittedText(lines, INDENT)).join('\n');
  return `${fittedText([headline(answer.device)])}\n${body}`;
}

/** The first line about a device: address and name, with what a terminal might obey spelt out. */
export function headline({ address, title, vendorId, deviceId }: PastedDevice): string {
  const ids =
    vendorId === undefined || deviceId === undefined || (title ?? '').includes(hex4(vendorId))
      ? ''
      : ` [${hex4(vendorId)}:${hex4(deviceId)}]`;
  return `${address ?? 'a device without its first line'}${title === undefined ? '' : `  ${printable(shortened(title, 120))}`}${ids}`;
}

const hex4 = (id: number): string => id.toString(16).padStart(4, '0');

function barLines({ bars, driver, iommuGroup }: PastedDevice): string[] {
  const rows = bars.map((bar) => [
    bar.index === undefined ? 'BAR ?' : `BAR ${bar.index}`,
    bar.size === undefined ? 'size ?' : bytes(bar.size),
    typeText(bar),
    bar.address === undefined ? '' : `at ${hex(bar.address)} on the host`,
    printable(bar.marks.join(', ')),
  ]);
  const driverLine = [
    ...(driver === undefined ? [] : [`driver ${printable(driver)}`]),
    ...(iommuGroup === undefined ? [] : [`IOMMU group ${iommuGroup}`]),
  ].join(', ');
  return [...table(rows, [1]), ...(driverLine === '' ? [] : [driverLine])];
}

function typeText({ space, width, prefetchable }: PastedBar): string {
  if (space === 'io') return 'I/O ports';
  return `${width ?? '?'}-bit${prefetchable ? ', prefetchable' : ''}`;
}

const missingLines = ({ missing }: DeviceAnswer): string[] =>
  missing.flatMap((fact) => wrap(`missing: ${fact}`, lineWidth(), 9));

function startLines({ trapping, missing }: DeviceAnswer): string[] {
  if (trapping.length === 0) return [];
  const bad = trapping.filter(({ outcome }) => outcome !== 'ok');
  if (bad.length === 0) {
    if (trapping.some(({ isBound }) => isBound))
      return ['Nothing in its BARs keeps a QEMU of today from starting; the place of the table might.'];
    const caveat = missing.length > 0 ? ', as far as the text shows the device' : '';
    return [`Nothing in its BARs and MSI-X keeps QEMU from starting${caveat}.`];
  }
  const isEverywhere = bad.length === trapping.length;
  return [
    isEverywhere
      ? 'QEMU does not start with this device:'
      : 'QEMU does not start everywhere with this device:',
    ...bad.flatMap((row) =>
      wrap(
        `${circumstances(row)}: ${row.outcome === 'rejected' ? 'refused' : 'QEMU dies'}: ${row.error ?? ''}`,
        lineWidth(),
        2,
      ),
    ),
  ];
}

const circumstances = ({ hostPageSize, kernels, qemus }: TrappingRow): string =>
  `pages of ${bytes(hostPageSize)}, ${kernels === 'any' ? 'any kernel' : `Linux ${kernels}`}, ${qemus === 'any' ? 'any QEMU' : `QEMU ${qemus}`}`;

/** Where the table lies that a text shows without its place. */
function tableBarLines({ tableBars, device: { msix } }: DeviceAnswer): string[] {
  if (tableBars.length === 0 || msix?.table !== undefined) return [];
  const bars = tableBars.map((index) => `BAR ${index}`);
  const size = msix?.vectors === undefined ? '' : ` (${bytes(msixTableSize(msix.vectors))})`;
  const vectors = msix?.vectors === undefined ? 'an unknown number of' : String(msix.vectors);
  return [
    `MSI-X: ${vectors} vectors. The table${size} fits ${bars.length === 1 ? `into ${bars[0]} alone, so it lies there` : `into ${bars.join(', ')}; in which of them it lies is unknown`}.`,
  ];
}

function tableLines(answer: DeviceAnswer): string[] {
  const { spoiled, pageSizes, device } = answer;
  if (spoiled.length === 0) return tableBarLines(answer);
  const vectors = device.msix?.vectors;
  const rows = spoiled.map(({ what, bar, bytes: place, pages }) => [
    what,
    `BAR ${bar}`,
    rangeText(place),
    ...pages.map(({ range }) => rangeText(range)),
  ]);
  const faults = spoiled.flatMap(({ what, fault }) => (fault === undefined ? [] : [`${what}: ${fault}`]));
  return [
    `MSI-X: ${vectors} vectors. ${headingOf(spoiled)}, and the host pages that ${spoiled.length === 1 ? 'it takes' : 'they take'}:`,
    ...table([['', '', 'bytes', ...pageSizes.map((size) => `${bytes(size)} pages`)], ...rows]),
    ...faults,
    ...(spoiled.length === 1 && spoiled[0]!.what === 'table'
      ? ['Where the PBA lies is unknown. It changes nothing here: the pages of a PBA stay direct.']
      : []),
  ];
}

const headingOf = (spoiled: DeviceAnswer['spoiled']): string =>
  spoiled.length > 1 ? 'Table and PBA' : spoiled[0]!.what === 'table' ? 'The table' : 'The PBA';

const rangeText = ({ start, end }: Range): string => `${hex(start)}-${hex(end - 1n)}`;

function trappingLines({ trapping, tableBars }: DeviceAnswer): string[] {
  const rows = trapping.filter(({ outcome }) => outcome === 'ok');
  if (rows.length === 0) return [];
  const cells = rows.map((row) => [
    bytes(row.hostPageSize),
    row.kernels,
    row.qemus,
    trappedSize(row),
    row.isBound ? (row.trapped === 0n ? '?' : `at most ${bytes(row.direct)}`) : bytes(row.direct),
    row.isBound ? '?' : trappedText(row),
  ]);
  return [
    `What exits to QEMU (trapped), and what the guest reaches without an exit (direct):`,
    ...table([['page', 'Linux', 'QEMU', 'trapped', 'direct', 'trapped bytes'], ...cells], [3, 4]),
    ...(rows.some(({ isBound }) => isBound)
      ? [
          tableBars.length > 0
            ? 'The pages of the MSI-X table are trapped; the text does not show which.'
            : 'The text does not show whether a page is trapped for an MSI-X table.',
        ]
      : []),
  ];
}

const MOST_STRETCHES = 4;

function trappedText({ bars, trapped }: TrappingRow): string {
  if (trapped === 0n) return 'none';
  return bars
    .filter((bar) => bar.trapped.length > 0)
    .map((bar) => {
      const isWhole = bar.direct === 0n;
      const shown = bar.trapped.slice(0, MOST_STRETCHES).map(rangeText).join(' ');
      const more =
        bar.trapped.length > MOST_STRETCHES ? ` and ${bar.trapped.length - MOST_STRETCHES} more` : '';
      return `BAR ${bar.index} ${isWhole ? 'whole' : shown}${more}`;
    })
    .join(', ');
}

function subPageLines({ subPage }: DeviceAnswer): string[] {
  const groups = new Map<string, { bar: SubPageBar; pages: Size[] }>();
  for (const bar of subPage) {
    const key = `${bar.index} ${bar.mmappable}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { bar, pages: [bar.hostPageSize] });
    else known.pages.push(bar.hostPageSize);
  }
  return [...groups.values()].flatMap(({ bar: { index, size, mmappable }, pages }) => {
    const what = `BAR ${index} (${bytes(size)}) is smaller than a page of ${pages.map(bytes).join(' or ')}`;
    if (mmappable === false)
      return wrap(
        `${what}: at its host address it does not begin a page, or shares the page, so vfio-pci allows no mmap and all of it is trapped. The kernel parameter pci=resource_alignment=… gives it a page of its own.`,
        lineWidth(),
        2,
      );
    const condition =
      mmappable === true
        ? 'it has the page to itself by what the text shows'
        : 'only if it has the page to itself';
    return wrap(
      `${what}: vfio-pci allows an mmap (${condition}), and QEMU shows it as a whole page while the guest puts it on a page boundary.`,
      lineWidth(),
      2,
    );
  });
}

function relocationLines({ relocations, pageSizes }: DeviceAnswer): string[] {
  if (relocations === undefined) return [];
  const { rows, best } = relocations;
  const cells = rows.map((row) => [
    row.relocation,
    ...(row.refused === undefined
      ? [grownText(row), ...row.trapped.map(bytes)]
      : [`refused: ${shortRefusal(row.refused)}`]),
  ]);
  const advice =
    best === undefined
      ? 'No value leaves fewer bytes trapped than off.'
      : `Best: x-msix-relocation=${best}${best === 'off' ? '' : ' (QEMU 2.12 and later; the guest sees another layout than the hardware has)'}.`;
  return [
    'x-msix-relocation, and the bytes of the device that stay trapped (newest QEMU and Linux):',
    ...table([['', 'the BAR becomes', ...pageSizes.map((size) => `${bytes(size)} pages`)], ...cells]),
    advice,
  ];
}

function grownText({ barSizes }: RelocationRow): string {
  const sizes = [...new Set(barSizes.map(bytes))];
  return sizes.length === 0 ? '-' : sizes.join(' / ');
}

/** QEMU's words, without the name of the device and without ids that the text did not have. */
const shortRefusal = (message: string): string =>
  message.replace(/^vfio \S+: /, '').replace(/ for device 0000:0000$/, '');

function peerToPeerLines({ peerToPeer, pageSizes, trapping }: DeviceAnswer): string[] {
  if (peerToPeer.length === 0) return [];
  const size = (count: Size | undefined): string =>
    count === undefined ? '-' : count === 0n ? 'none' : bytes(count);
  return [
    `Peer-to-peer DMA: the bytes of the BARs that other assigned devices reach${trapping.some(({ isBound }) => isBound) ? ', at most' : ''}:`,
    ...table([
      ['', '', ...pageSizes.map((page) => `${bytes(page)} pages`)],
      ...peerToPeer.map(({ iommu, condition, bytes: counts }) => [iommu, condition, ...counts.map(size)]),
    ]),
  ];
}
