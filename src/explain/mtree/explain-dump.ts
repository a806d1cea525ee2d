import { END_OF_SPACE, hex, type Range } from '../../address/index.ts';
import { Errno, errnoName } from '../../host/index.ts';
import type { MtreeRegion, MtreeText } from '../../memory/index.ts';
import { mapViewOnHost, type ViewRange } from '../../model/index.ts';
import type { NamedHost } from '../../scenario/index.ts';
import { NEWEST } from '../../vfio/index.ts';
import { hostScenario } from '../limits/host-scenario.ts';
import { refusalOn } from '../limits/map-limit.ts';
import { overlappingPairs, viewFaults, type ViewDifference } from './check-view.ts';
import { compareViews } from './compare-views.ts';
import type { Dump } from './dump.ts';
import { hostOfDump, type DumpHost } from './dump-host.ts';
import { memoryView, printedViews, renderedViews, type NamedView } from './view-ranges.ts';
import { isOfSmm, smmNote, viommuNote } from './space-notes.ts';
import { whyTrapped } from './why-trapped.ts';

/** What a range of the view is for the guest's CPU and for the DMA of assigned devices. */
export interface RangeAnswer {
  readonly range: ViewRange;
  readonly cpu: 'direct' | 'direct in part' | 'trapped' | 'KVM refuses the slot';
  /** The addresses that are in a memslot; absent where none are. */
  readonly slot: Range | undefined;
  readonly whyTrapped: string | undefined;
  /** What VFIO does: `mapped`, `skipped`, `refused`, or nothing for emulated registers. */
  readonly dma: 'mapped' | 'mapped in part' | 'skipped' | 'refused' | undefined;
  readonly mapped: Range | undefined;
  readonly whyNotMapped: string | undefined;
}

/** What barproof says of a dump. */
export interface DumpAnswer {
  readonly kind: 'dump';
  readonly form: 'info mtree' | 'info mtree -f' | 'info mtree and info mtree -f';
  readonly spaces: readonly string[];
  /** Regions of the trees; 0 without a tree. */
  readonly regions: number;
  readonly notes: readonly string[];
  readonly faults: readonly string[];
  /** Why the view of CPUs and devices could not be shown; then `ranges` is empty. */
  readonly missing: string | undefined;
  readonly host: DumpHost | undefined;
  readonly hasTypes: boolean;
  readonly view: NamedView | undefined;
  readonly ranges: readonly RangeAnswer[];
  readonly refusal: string | undefined;
  readonly viewFaults: readonly string[];
  readonly differences: readonly ViewDifference[] | undefined;
  /** Whether the flat view had to say which `i/o` regions of the tree are containers. */
  readonly readsContainersOffView: boolean;
}

/** Explains a dump: the view checked, and what VFIO and KVM make of it on a host. */
export function explainDump(dump: Dump, named: NamedHost | undefined): DumpAnswer {
  const printed = printedViews(dump.views);
  const rendered = dump.tree === undefined ? [] : renderedViews(dump.tree);
  const flat = memoryView(printed);
  const tree = memoryView(rendered);
  const isTold = isWhole(dump, flat) || !isWhole(dump, tree);
  const view = isTold ? (flat ?? tree) : (tree ?? flat);
  const comparison =
    flat === undefined ||
    tree === undefined ||
    dump.tree === undefined ||
    dump.isCut ||
    isNamed(flat) !== isNamed(tree)
      ? undefined
      : compareViews(dump.tree, flat, printed);
  const host =
    view === undefined
      ? undefined
      : named === undefined
        ? hostOfDump(
            [view, ...printed, ...rendered].flatMap(({ ranges }) => ranges.map(({ name }) => name)),
            view.ranges,
          )
        : { host: named, because: undefined };
  const isPseries = host?.host.iommu.types[0] === 'spapr-tce-v2';
  const isSmm = view !== undefined && isOfSmm(view);
  const isImpossible = view !== undefined && overlappingPairs(view).length > 0;
  const placed =
    view === undefined || !dump.hasTypes || isPseries || isImpossible ? undefined : onHost(view, host!.host);
  return {
    kind: 'dump',
    form:
      printed.length > 0 && rendered.length > 0
        ? 'info mtree and info mtree -f'
        : printed.length > 0
          ? 'info mtree -f'
          : 'info mtree',
    spaces: [...new Set([...printed, ...rendered].flatMap(({ spaces }) => spaces))],
    regions: dump.tree === undefined ? 0 : countRegions(dump.tree),
    notes: [
      ...dump.notes,
      ...(view?.source === 'tree' ? readonlyNotes(dump) : []),
      ...notesOn(view, [...printed, ...rendered], dump),
    ],
    faults: dump.faults,
    missing: missingOf(dump, view, isPseries) ?? (isImpossible ? OVERLAP : undefined),
    host,
    hasTypes: dump.hasTypes,
    view,
    ranges: (placed?.ranges ?? []).map((answer) => (isSmm ? withoutDma(answer) : answer)),
    refusal: placed?.refusal,
    viewFaults: printed.flatMap(viewFaults),
    differences: comparison?.differences,
    readsContainersOffView: comparison?.readsContainersOffView ?? false,
  };
}

const isNamed = (view: NamedView): boolean => view.spaces.includes('memory');

/** Whether a view is the memory map, with all of its ranges: the last view of a text that is cut may lack some. */
const isWhole = ({ isCut, views }: Dump, view: NamedView | undefined): boolean =>
  view !== undefined &&
  isNamed(view) &&
  !(isCut && view.source === 'flat' && views.at(-1)?.spaces.some(({ name }) => name === 'memory'));

function notesOn(
  view: NamedView | undefined,
  views: readonly NamedView[],
  { tree }: Dump,
): readonly string[] {
  const names = [
    ...views.flatMap(({ spaces, ranges }) => [...spaces, ...ranges.map(({ name }) => name)]),
    ...(tree === undefined ? [] : namesIn(tree)),
  ];
  const viommu = viommuNote(names);
  return [
    ...(viommu === undefined ? [] : [viommu]),
    ...(view !== undefined && isOfSmm(view) ? [smmNote(view)] : []),
  ];
}

const namesIn = ({ addressSpaces, sections }: MtreeText): readonly string[] => {
  const within = ({ name, children }: MtreeRegion): readonly string[] => [name, ...children.flatMap(within)];
  return [...addressSpaces, ...sections].flatMap(({ root }) => within(root));
};

const withoutDma = (answer: RangeAnswer): RangeAnswer => ({
  ...answer,
  dma: undefined,
  mapped: undefined,
  whyNotMapped: undefined,
});

const OVERLAP =
  'a view that QEMU can have: ranges of this one overlap, so that what KVM and VFIO make of them cannot be said';

function missingOf(dump: Dump, view: NamedView | undefined, isPseries: boolean): string | undefined {
  if (view === undefined)
    return dump.faults.length > 0
      ? 'no memory map could be read out of the text'
      : 'the text shows no range of memory: only empty address spaces';
  if (!dump.hasTypes)
    return 'the types of the regions: QEMU 2.8 and older do not print them, and VFIO maps by type';
  if (isPseries)
    return 'the DMA windows: on POWER devices see the address space of their PCI host bridge (pci@… on pseries), never this view, and no BAR is mapped for DMA. The host page is 64 KiB';
  return undefined;
}

const countRegions = (tree: MtreeText): number => {
  const count = ({ children }: MtreeRegion): number =>
    children.reduce((total, child) => total + count(child), 1);
  return [...tree.addressSpaces, ...tree.sections].reduce((total, { root }) => total + count(root), 0);
};

/** A read-only alias of RAM prints as RAM since QEMU 5.0, and as i/o before (memory fact 8.3). */
function readonlyNotes({ tree }: Dump): readonly string[] {
  const places = new Set<string>();
  const visit = ({ name, start, end, alias, children }: MtreeRegion): void => {
    if (alias !== undefined && /rom|bios/i.test(name)) places.add(`"${name}" ${hex(start)}-${hex(end)}`);
    for (const child of children) visit(child);
  };
  for (const { root } of [...tree!.addressSpaces, ...tree!.sections]) visit(root);
  if (places.size === 0) return [];
  const shown = [...places].slice(0, 6).join(', ');
  const more = places.size > 6 ? ` and ${places.size - 6} more` : '';
  return [
    `whether these aliases are read-only, the tree does not say: ${shown}${more}. Since QEMU 5.0 a read-only alias of RAM prints as ram; \`info mtree -f\` prints rom where a range is read-only`,
  ];
}

interface Placed {
  readonly ranges: readonly RangeAnswer[];
  readonly refusal: string | undefined;
}

/** A range that QEMU cannot have printed would stop the model. */
const isPossible = ({ start, end, offset }: ViewRange): boolean =>
  start < end && end <= END_OF_SPACE && offset + (end - start) <= END_OF_SPACE;

function onHost({ ranges: all }: NamedView, host: NamedHost): Placed {
  const possible = all.filter(isPossible);
  const { events, refusal } = mapViewOnHost(possible, hostScenario(host), NEWEST);
  const slots: { range: Range; failed: boolean }[] = [];
  const maps: { range: Range; failed: boolean; errno: number }[] = [];
  const skips = new Map<bigint, string>();
  for (const event of events) {
    if (event.type === 'memslot')
      slots.push({ range: rangeOf(event.slot.gpa, event.slot.size), failed: event.errno !== 0 });
    else if (event.type === 'dma-map')
      maps.push({
        range: rangeOf(event.iova, event.size),
        failed: event.errno !== 0,
        errno: event.errno,
      });
    else if (event.type === 'skip') skips.set(event.start, event.reason);
  }
  // Both listeners see the ranges by rising address, so one walk finds the requests of each range.
  const slotOf = finder(slots);
  const mapOf = finder(maps);
  const ranges = possible.map((range, index): RangeAnswer => {
    const slot = slotOf(range);
    const map = mapOf(range);
    const isDirect = slot !== undefined && !slot.failed;
    const isWhole = isDirect && slot.range.start === range.start && slot.range.end === range.end;
    const memory = range.type === 'ram' || range.type === 'rom' || range.type === 'ramd';
    return {
      range,
      cpu: slot?.failed
        ? 'KVM refuses the slot'
        : isWhole
          ? 'direct'
          : isDirect
            ? 'direct in part'
            : 'trapped',
      slot: isDirect ? slot.range : undefined,
      whyTrapped: isWhole ? undefined : whyTrapped(possible, index, host, slot?.failed === true),
      dma: memory ? dmaOf(range, map) : undefined,
      mapped: map !== undefined && !map.failed ? map.range : undefined,
      whyNotMapped: map?.failed ? refusalText(host, range.type, map) : skipText(skips.get(range.start), host),
    };
  });
  return { ranges, refusal };
}

const rangeOf = (start: bigint, size: bigint): Range => ({ start, end: start + size });

/** Finds, for ranges asked by rising address, the request that begins in the range. */
function finder<T extends { readonly range: Range }>(
  requests: readonly T[],
): (range: Range) => T | undefined {
  const sorted = requests.toSorted((a, b) => (a.range.start < b.range.start ? -1 : 1));
  let next = 0;
  return ({ start, end }) => {
    while (next < sorted.length && sorted[next]!.range.end <= start) next++;
    const found = sorted[next];
    return found !== undefined && found.range.start < end ? found : undefined;
  };
}

function dmaOf(range: Range, map: { range: Range; failed: boolean } | undefined): RangeAnswer['dma'] {
  if (map === undefined) return 'skipped';
  if (map.failed) return 'refused';
  return map.range.start === range.start && map.range.end === range.end ? 'mapped' : 'mapped in part';
}

function refusalText(
  host: NamedHost,
  type: ViewRange['type'],
  { range, errno }: { readonly range: Range; readonly errno: number },
): string {
  if (errno === Errno.ENOSPC) return 'ENOSPC: the container takes 65535 mappings (dma_entry_limit)';
  const refusal = refusalOn(host, {
    iova: range.start,
    size: range.end - range.start,
    hostAddress: undefined,
    deviceMemory: type === 'ramd',
  });
  return refusal === undefined ? errnoName(errno) : `${refusal.errno}: ${refusal.why}`;
}

/** The reasons of QEMU's listener (vfio facts 6.1 to 6.6), in words. */
function skipText(reason: string | undefined, { hostPageSize }: NamedHost): string | undefined {
  const page = `${hostPageSize >> 10n} KiB`;
  switch (reason) {
    case undefined:
      return undefined;
    case 'top-half':
      return 'QEMU skips addresses from 2^63 on: a BAR is there only while the guest sizes it';
    case 'incongruent':
      return `"received unaligned region": address and offset in the region differ within a page of ${page}`;
    case 'empty':
      return `no whole page of ${page} is left of it`;
    case 'iommu-page':
      return 'device memory that is not made of whole pages of the IOMMU';
    default:
      return reason;
  }
}
