import { bytes, hex, type Range } from '../../address/index.ts';
import { printable } from '../../input/index.ts';
import { shortened } from '../shortened.ts';
import { wrap } from '../wrap.ts';
import type { BoxKind, GuestMap, MapBox, MapColumn, MapMark } from './guest-map.ts';
import { scaleOf, type Stretch } from './map-scale.ts';
import { MAP_STYLE } from './map-style.ts';

const AXIS = 190;
const COLUMN = 152;
const GAP = 8;
const MARGIN = 14;
const LINE = 18;
const HEAD = 46;
const MARK_LABEL = 216;
/** The width of a character of the font, at most. */
const CHARACTER = 7.3;
const LEAST_WIDTH = 760;
/** So many characters fit into a box. */
const BOX_CHARACTERS = Math.floor((COLUMN - 12) / CHARACTER);

/** The height of a line of a box's label. */
const LABEL_LINE = 15;

/** A part of the picture, in pixels from the top of the map. */
interface Span {
  readonly top: number;
  readonly height: number;
}

/** What every part of the picture is drawn by. */
interface Drawing {
  readonly stretches: readonly Stretch[];
  /** The top of the map in the picture. */
  readonly top: number;
  readonly map: GuestMap;
}

const LEGEND: readonly (readonly [BoxKind, string])[] = [
  ['bar', 'BAR'],
  ['table', 'MSI-X table'],
  ['pba', 'PBA'],
  ['mmap', 'mmapped by QEMU'],
  ['direct', 'direct: no exit'],
  ['trapped', 'trapped: exits to QEMU'],
  ['mapped', 'mapped for DMA'],
  ['refused', 'refused'],
  ['skipped', 'not mapped'],
  ['split page', 'page that is cut'],
  ['ram', 'RAM'],
  ['limit', 'usable addresses'],
];

/**
 * A guest's memory map as SVG, without scripts or links.
 *
 * @param place `file` for a file of its own, for light and dark pages; `page` for a part of a page, which has the style
 *   and the words above the picture itself.
 */
export function guestMapSvg(given: GuestMap, place: 'file' | 'page' = 'file'): string {
  const isFile = place === 'file';
  const map = isFile ? given : { ...given, text: [] };
  const stretches = scaleOf(map);
  const width = Math.max(
    LEAST_WIDTH,
    2 * MARGIN + AXIS + map.columns.length * (COLUMN + GAP) + (map.marks.length > 0 ? MARK_LABEL : 0),
  );
  const words = Math.floor((width - 2 * MARGIN) / CHARACTER);
  const text = map.text.flatMap((sentence) => wrap(sentence, words));
  const top = MARGIN + 30 + text.length * LINE + 14 + HEAD;
  const last = stretches.at(-1);
  const bottom = top + (last === undefined ? 0 : last.top + last.height);
  const legend = legendOf(map, bottom + 40, width);
  const body = [
    `<text class="title" x="${MARGIN}" y="${MARGIN + 16}">${escape(map.title)}</text>`,
    ...text.map(
      (line, index) => `<text x="${MARGIN}" y="${MARGIN + 42 + index * LINE}">${escape(line)}</text>`,
    ),
    ...axis(map, stretches, top),
    ...map.columns.flatMap((column, index) => columnOf(column, index, { map, stretches, top })),
    ...map.marks.flatMap((mark) => markOf(mark, { stretches, top, columns: map.columns.length })),
    ...legend.lines,
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${legend.bottom}" viewBox="0 0 ${width} ${legend.bottom}" role="img" aria-label="${escape([given.title, ...given.text].join(' '))}">`,
    ...(isFile ? [`<style>${MAP_STYLE}</style>`] : []),
    `<rect class="paper" width="${width}" height="${legend.bottom}"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

/** Text as XML. What commands a terminal, and what XML does not have, is spelt out or replaced. */
export const escape = (text: string): string =>
  printable(text)
    .replaceAll(
      /[\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      '\ufffd',
    )
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

const leftOf = (column: number): number => MARGIN + AXIS + column * (COLUMN + GAP);

function axis(map: GuestMap, stretches: readonly Stretch[], top: number): string[] {
  const right = leftOf(map.columns.length) - GAP;
  const lines = stretches.flatMap(({ start, end, top: at, height, isGap }) => {
    const y = top + at;
    const size = `<text class="size" x="${MARGIN + AXIS - 14}" y="${y + height / 2 + 4}" text-anchor="end">${escape(sizeText({ start, end, isGap }, map))}</text>`;
    return [
      `<line class="border" x1="${MARGIN}" y1="${y}" x2="${right}" y2="${y}"/>`,
      `<text class="address" x="${MARGIN}" y="${y + 4}">${escape(placeText(start, map))}</text>`,
      // The size would cover the address of the border above in a low stretch.
      ...(height >= 24 || isGap ? [size] : []),
    ];
  });
  const last = stretches.at(-1);
  if (last === undefined) return lines;
  const y = top + last.top + last.height;
  return [
    ...lines,
    `<line class="border" x1="${MARGIN}" y1="${y}" x2="${right}" y2="${y}"/>`,
    `<text class="address" x="${MARGIN}" y="${y + 4}">${escape(endText(last, map))}</text>`,
  ];
}

/** An address of the axis: of the guest, or an offset behind a named start. */
function placeText(at: bigint, { starts }: GuestMap): string {
  const from = starts?.findLast(({ start }) => start <= at);
  return from === undefined ? hex(at) : `${from.name}+${hex(at - from.start)}`;
}

const endText = ({ end }: Range, map: GuestMap): string => placeText(end, map);

/** The distance of two addresses; between two named starts there is none. */
function sizeText({ start, end, isGap }: Range & { readonly isGap: boolean }, { starts }: GuestMap): string {
  if (!isGap) return shortSize(end - start);
  return starts === undefined ? `\u22ee ${shortSize(end - start)}` : '\u22ee';
}

/** A size in one unit, for there is no room for more beside the address: `over 55 TiB`. */
function shortSize(size: bigint): string {
  const text = bytes(size);
  if (/^\d+ \w+$/.test(text)) return text;
  let unit = 1n;
  while (size >= unit * 1024n) unit *= 1024n;
  return `over ${bytes((size / unit) * unit)}`;
}

function columnOf({ title, subtitle, boxes }: MapColumn, index: number, drawing: Drawing): string[] {
  const x = leftOf(index);
  const { top } = drawing;
  return [
    `<text class="column" x="${x}" y="${top - 26}">${escape(title)}</text>`,
    `<text class="subtitle" x="${x}" y="${top - 11}">${escape(subtitle)}</text>`,
    ...boxes.flatMap((box) => boxOf(box, x, drawing)),
  ];
}

function boxOf(box: MapBox, x: number, drawing: Drawing): string[] {
  const { stretches, top } = drawing;
  const place = placeOf(box, stretches);
  if (place === undefined) return [];
  const y = top + place.top;
  const words = wrap(box.label, BOX_CHARACTERS);
  const room = roomFor(words.length, place, drawing);
  const lines = fewer(words, Math.max(1, Math.floor(room.height / LABEL_LINE)));
  const first = top + room.top + room.height / 2 - (lines.length - 1) * 7 + 4;
  return [
    `<g class="${box.kind.replaceAll(' ', '-')}"><title>${escape(`${box.label}: ${rangeText(box, drawing.map)}, ${bytes(box.end - box.start)}`)}</title>`,
    `<rect x="${x}" y="${y + 1}" width="${COLUMN}" height="${Math.max(2, place.height - 2)}" rx="3"/>`,
    ...lines.map(
      (line, index) =>
        `<text x="${x + 7}" y="${first + index * 14}">${escape(shortened(line, BOX_CHARACTERS))}</text>`,
    ),
    '</g>',
  ];
}

const rangeText = ({ start, end }: Range, map: GuestMap): string =>
  `${placeText(start, map)}-${map.starts === undefined ? hex(end - 1n) : placeText(end - 1n, map)}`;

/** So many lines; the last one ends in a mark if there are more. */
const fewer = (lines: readonly string[], most: number): readonly string[] =>
  lines.length <= most
    ? lines
    : [...lines.slice(0, most - 1), shortened(`${lines[most - 1]!}…`, BOX_CHARACTERS)];

/** The largest part of a box that no outline crosses, if the label fits into it; or else the whole box. */
function roomFor(rows: number, box: Span, { stretches, map: { marks } }: Drawing): Span {
  const edges = marks
    .flatMap((mark) => {
      const place = placeOf(mark, stretches);
      return place === undefined ? [] : [place.top, place.top + place.height];
    })
    .filter((edge) => edge > box.top && edge < box.top + box.height)
    .toSorted((a, b) => a - b);
  const borders = [box.top, ...edges, box.top + box.height];
  const parts = borders
    .slice(1)
    .map((end, index) => ({ top: borders[index]!, height: end - borders[index]! }));
  const largest = parts.reduce((best, part) => (part.height > best.height ? part : best));
  return largest.height >= rows * LABEL_LINE ? largest : box;
}

function placeOf({ start, end }: Range, stretches: readonly Stretch[]): Span | undefined {
  const inside = stretches.filter((stretch) => start <= stretch.start && stretch.end <= end);
  const [first, last] = [inside[0], inside.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { top: first.top, height: last.top + last.height - first.top };
}

/** The outline across all columns, and its label at the right. */
function markOf(
  mark: MapMark,
  { stretches, top, columns }: { stretches: readonly Stretch[]; top: number; columns: number },
): string[] {
  const place = placeOf(mark, stretches);
  if (place === undefined) return [];
  const x = leftOf(0) - 6;
  const right = leftOf(columns) - GAP + 6;
  const y = top + place.top;
  const lines = wrap(mark.label, Math.floor((MARK_LABEL - 24) / CHARACTER));
  return [
    `<g class="mark-${mark.tone}">`,
    `<rect x="${x}" y="${y - 2}" width="${right - x}" height="${place.height + 4}" rx="4"/>`,
    `<line x1="${right}" y1="${y + place.height / 2}" x2="${right + 14}" y2="${y + place.height / 2}"/>`,
    ...lines.map(
      (line, row) =>
        `<text x="${right + 18}" y="${y + place.height / 2 + 4 + (row - (lines.length - 1) / 2) * 15}">${escape(line)}</text>`,
    ),
    '</g>',
  ];
}

function legendOf(
  { columns, starts }: GuestMap,
  top: number,
  width: number,
): { lines: string[]; bottom: number } {
  const used = new Set(columns.flatMap(({ boxes }) => boxes.map(({ kind }) => kind)));
  const lines: string[] = [];
  let x = MARGIN;
  let y = top;
  for (const [kind, name] of LEGEND) {
    if (!used.has(kind)) continue;
    const needed = 34 + name.length * CHARACTER;
    if (x + needed > width - MARGIN) {
      x = MARGIN;
      y += 22;
    }
    lines.push(
      `<g class="${kind.replaceAll(' ', '-')}"><rect x="${x}" y="${y - 11}" width="14" height="14" rx="3"/></g>`,
      `<text x="${x + 20}" y="${y}">${escape(name)}</text>`,
    );
    x += needed;
  }
  lines.push(
    `<text class="subtitle" x="${MARGIN}" y="${y + 24}">${starts === undefined ? 'Addresses' : 'Offsets'} rise downwards; heights are not to scale.</text>`,
  );
  return { lines, bottom: y + 40 };
}
