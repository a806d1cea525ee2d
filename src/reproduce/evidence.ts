import { hex, hex16, overlaps, type Range } from '../address/index.ts';
import type { Regression } from '../campaign/index.ts';
import { errnoName } from '../host/index.ts';
import type { Violation } from '../invariants/index.ts';
import { rangeType, form11 } from '../memory/index.ts';
import { overshoots, wordsOfDeath } from '../qemu/index.ts';
import { endOfMapping, type Trace, type TraceRange } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';

/** What QEMU does if it shows a finding: the program `src/reproduce/program` compares QEMU with it. */
export type Evidence =
  /** QEMU dies by one of the signals (any, where left open), with words that match the regular expression. */
  | {
      readonly kind: 'death';
      readonly signals: readonly string[] | null;
      readonly words: string | null;
    }
  /** QEMU refuses a device. */
  | { readonly kind: 'refusal' }
  /** QEMU no longer answers. */
  | { readonly kind: 'hang' }
  /** QEMU maps bytes of a BAR's file beyond the end of the BAR, over its own memory. */
  | { readonly kind: 'overwrite' }
  /** After a step, memory map, DMA requests and mappings at some addresses are those of the model. */
  | {
      readonly kind: 'memory';
      readonly step: number;
      /** First address, and the one after the last. */
      readonly at: readonly [string, string];
      /** Lines of `info mtree -f`. */
      readonly ranges: readonly string[];
      readonly requests: readonly string[];
      readonly mappings: readonly string[];
    };

/** Sites at which QEMU dies by a signal in the middle of its memory, without a word. */
const WORDLESS = ['SIGSEGV', 'SIGBUS'];

/** Invariants about memory maps and DMA, at addresses that the violation names. */
const AT_ADDRESSES: ReadonlySet<string> = new Set([
  'map-aligned',
  'msix-trapped',
  'msix-direct-on-opt-out',
  'ram-reachable',
  'map-matches-view',
  'map-unmap-symmetric',
  'guest-page-reachable',
]);

/** What a real QEMU shows, if it does what the model did. `undefined` where an observer from outside sees nothing. */
export function evidenceOfTrace(trace: Trace, { invariant, at, step }: Violation): Evidence | undefined {
  const { outcome, abortSite = '', scenario } = trace;
  if (invariant === 'mmap-inside-bar' && overshoots(scenario)) return { kind: 'overwrite' };
  if (invariant === 'no-abort' && outcome === 'rejected') return { kind: 'refusal' };
  if (invariant === 'no-abort' && outcome === 'aborted') {
    const words = wordsOfDeath(abortSite);
    return words === undefined
      ? { kind: 'death', signals: WORDLESS, words: null }
      : { kind: 'death', signals: ['SIGABRT'], words: words.source };
  }
  const isSeen = AT_ADDRESSES.has(invariant) && at !== undefined && trace.steps[step] !== undefined;
  return isSeen && outcome === 'ok' ? memoryAt(trace, step, at) : undefined;
}

function memoryAt({ steps }: Trace, step: number, at: Range): Evidence {
  const { events, state } = steps[step]!;
  return {
    kind: 'memory',
    step,
    at: [hex(at.start), hex(at.end)],
    ranges: state.flatView.filter((range) => overlaps(range, at)).map(lineOf),
    requests: byDevice(events.flatMap((event) => requestIn(event, at))),
    mappings: byDevice(
      state.containers.flatMap(({ name, mappings }) =>
        mappings
          .filter((mapping) => overlaps({ start: mapping.iova, end: endOfMapping(mapping) }, at))
          .map(({ iova, size }) => `${deviceOf(name)} ${hex(iova)} ${hex(size)}`),
      ),
    ),
  };
}

/** Lines sorted by the device that they begin with: QEMU's devices are observed one by one. */
const byDevice = (lines: readonly string[]): readonly string[] =>
  lines.toSorted((a, b) => {
    const [[one], [other]] = [a.split(' '), b.split(' ')] as const;
    return one === other ? 0 : one! < other! ? -1 : 1;
  });

/** A range as `info mtree -f` prints it. */
function lineOf(range: TraceRange): string {
  const persistent = range.nonvolatile ? 'nv-' : '';
  const at = range.offset === 0n ? '' : ` @${hex16(range.offset)}`;
  return (
    `${hex16(range.start)}-${hex16(range.end - 1n)} (prio ${range.priority}, ` +
    `${persistent}${rangeType(range, form11)}): ${range.region.name}${at}`
  );
}

function requestIn(event: VmmEvent, at: Range): readonly string[] {
  if (event.type !== 'dma-map' && event.type !== 'dma-unmap') return [];
  const { iova, size, errno, container } = event;
  if (!overlaps({ start: iova, end: iova + size }, at)) return [];
  const answer = errno === 0 ? 'granted' : errnoName(errno);
  return [`${deviceOf(container)} ${event.type.slice('dma-'.length)} ${hex(iova)} ${hex(size)} ${answer}`];
}

/** The device of a container: with vfio-user each device has one of its own, and a new one after each plug. */
const deviceOf = (container: string): string => container.replace(/#\d+$/, '');

/** What a real QEMU did when the case was stored, by its last words. */
export function evidenceOfWords({ observed, cause = '' }: Regression): Evidence | undefined {
  const { outcome, error } = observed;
  if (cause === 'maps-over-own-memory') return { kind: 'overwrite' };
  if (cause === 'hang') return { kind: 'hang' };
  if (outcome === 'rejected') return { kind: 'refusal' };
  if (outcome !== 'aborted') return undefined;
  const signal = /^(sig[a-z]+)/.exec(cause)?.[1]?.toUpperCase();
  return {
    kind: 'death',
    signals: signal === undefined ? null : [signal],
    words: error === undefined ? null : patternOf(error),
  };
}

/** Words of QEMU as a regular expression. Another build has other line numbers. */
const patternOf = (words: string): string =>
  words.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`).replaceAll(/:\d+:/g, String.raw`:\d+:`);
