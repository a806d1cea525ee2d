import { hex, type Range } from '../../address/index.ts';
import { printable } from '../../input/index.ts';
import { fittedText, lineWidth, bytes, count, table, wrap } from '../../report/index.ts';
import type { DumpAnswer, RangeAnswer } from './explain-dump.ts';
import { spaceOf } from './view-ranges.ts';
import { isOfVfioDevice } from './why-trapped.ts';

const INDENT = '   ';
const MOST_ROWS = 200;

/** What barproof says of a dump, for people. */
export function dumpText(answer: DumpAnswer): string {
  const paragraphs = [
    [...answer.notes, ...answer.faults].flatMap((note) => wrap(`note: ${printable(note)}`, lineWidth(), 6)),
    answer.missing === undefined ? [] : wrap(`missing: ${answer.missing}`, lineWidth(), 9),
    viewLines(answer),
    hostLines(answer),
    rangeLines(answer),
    reasonLines(answer),
    differenceLines(answer),
  ].filter((lines) => lines.length > 0);
  const body = paragraphs.map((lines) => fittedText(lines, INDENT)).join('\n');
  return `${fittedText([`${answer.form}${spacesText(answer)}`])}\n${body}`;
}

function spacesText({ spaces }: DumpAnswer): string {
  if (spaces.length === 0) return '';
  const shown = spaces.slice(0, 6).map((name) => printable(name));
  const more = spaces.length > 6 ? ` and ${spaces.length - 6} more` : '';
  return `: address spaces ${shown.join(', ')}${more}`;
}

function viewLines({ view, viewFaults, regions }: DumpAnswer): string[] {
  if (view === undefined) return [];
  const space = spaceOf(view);
  const name = space === undefined ? 'the view' : `the view of ${printable(space)}`;
  const what = `${name} has ${count(view.ranges.length, 'range')}${view.source === 'tree' ? ', rendered from the tree' : ''}`;
  if (view.source === 'tree') return [`The tree has ${count(regions, 'region')}; ${what}.`];
  return viewFaults.length === 0
    ? [`${what}; they are sorted, disjoint, and joined as QEMU joins them.`]
    : [
        `${what}; faults:`,
        ...viewFaults.flatMap((fault) =>
          wrap(printable(fault), lineWidth() - 2, 2).map((line) => `  ${line}`),
        ),
      ];
}

function hostLines({ host, ranges, refusal }: DumpAnswer): string[] {
  if (host === undefined || ranges.length === 0) return [];
  const because = host.because === undefined ? '' : ` (${printable(host.because)}; --host names another)`;
  const lines = wrap(
    `What QEMU's VFIO and KVM make of it on ${host.host.id}, ${host.host.title}${because}:`,
    lineWidth(),
  );
  return refusal === undefined
    ? lines
    : [...lines, ...wrap(`QEMU does not start with a device: ${refusal}`, lineWidth(), 2)];
}

const isShown = ({ range }: RangeAnswer): boolean =>
  range.type === 'ram' || range.type === 'rom' || range.type === 'romd' || isOfVfioDevice(range);

function rangeLines({ ranges }: DumpAnswer): string[] {
  const shown = ranges.filter(isShown);
  if (shown.length === 0)
    return ranges.length === 0
      ? []
      : ['It has neither RAM nor memory of a passed-through device: nothing is mapped.'];
  const rows = shown
    .slice(0, MOST_ROWS)
    .map((answer) => [
      `${hex(answer.range.start)}-${hex(answer.range.end - 1n)}`,
      bytes(answer.range.end - answer.range.start),
      printable(`${answer.range.name} (${answer.range.type})`),
      answer.cpu === 'direct in part' ? `direct ${rangeText(answer.slot!)}` : answer.cpu,
      dmaText(answer),
    ]);
  const left = ranges.length - shown.length;
  return [
    ...table([['address', 'size', 'what', 'CPU', 'DMA'], ...rows], [1]),
    ...(shown.length > MOST_ROWS ? [`and ${shown.length - MOST_ROWS} more ranges of memory`] : []),
    ...(left > 0
      ? [
          `${count(left, 'range')} of emulated registers ${left === 1 ? 'is' : 'are'} left out: trapped, and not for DMA.`,
        ]
      : []),
  ];
}

const rangeText = ({ start, end }: Range): string => `${hex(start)}-${hex(end - 1n)}`;

function dmaText({ dma, mapped, range }: RangeAnswer): string {
  if (dma === undefined) return '-';
  if (dma === 'mapped' && range.type === 'rom') return 'mapped, read-only';
  return dma === 'mapped in part' ? `mapped ${rangeText(mapped!)}` : dma;
}

/** Each reason once, with the ranges that it is for. */
function reasonLines({ ranges }: DumpAnswer): string[] {
  const reasons = new Map<string, string[]>();
  const note = (reason: string | undefined, place: string): void => {
    if (reason === undefined) return;
    const known = reasons.get(reason);
    if (known === undefined) reasons.set(reason, [place]);
    else known.push(place);
  };
  for (const answer of ranges.filter(isShown)) {
    const place = `${hex(answer.range.start)}`;
    if (answer.cpu !== 'direct') note(trappedReason(answer), place);
    if (answer.dma === 'skipped' || answer.dma === 'refused') note(dmaReason(answer), place);
  }
  return [...reasons].flatMap(([reason, places]) => {
    const shown = places.slice(0, 4).join(', ');
    const more = places.length > 4 ? ` and ${places.length - 4} more` : '';
    return wrap(`${shown}${more}: ${printable(reason)}`, lineWidth(), 2);
  });
}

const trappedReason = ({ whyTrapped, cpu }: RangeAnswer): string | undefined =>
  whyTrapped === undefined
    ? undefined
    : `${cpu === 'direct in part' ? 'trapped in part' : 'trapped'}: ${whyTrapped}`;

const dmaReason = ({ whyNotMapped, dma }: RangeAnswer): string | undefined =>
  whyNotMapped === undefined ? undefined : `${dma === 'refused' ? 'DMA refused' : 'no DMA'}: ${whyNotMapped}`;

function differenceLines({ differences, readsContainersOffView }: DumpAnswer): string[] {
  if (differences === undefined) return [];
  const real = differences.filter(({ unknowable }) => !unknowable);
  const unknowable = differences.length - real.length;
  return [
    ...(real.length === 0
      ? ['Tree and flat view are of one machine: the tree renders to the flat view.']
      : [
          'Tree and flat view differ: of two moments, of two machines, or the text of the tree is ambiguous:',
          ...real.flatMap(({ text }) => wrap(printable(text), lineWidth() - 2, 2).map((line) => `  ${line}`)),
        ]),
    ...(readsContainersOffView
      ? wrap(
          'Which i/o regions are containers, whose gaps answer nothing, is taken from the flat view: the tree prints i/o for both.',
          lineWidth(),
        )
      : []),
    ...(unknowable === 0
      ? []
      : wrap(
          `${unknowable} ranges are rom by the flat view, which the tree cannot say: it prints a read-only alias of RAM as ram. The flat view counts.`,
          lineWidth(),
        )),
  ];
}
