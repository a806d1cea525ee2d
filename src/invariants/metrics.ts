import { alignDown, alignUp, greater, lesser, overlaps, type Range } from '../address/index.ts';
import { isMemory, isSettled, type State, type Trace, type TraceRange } from '../trace/index.ts';

/** Figures of a run's last state, by which the cost of a patch is measured; they are not verdicts. */
export interface Metrics {
  /** Bytes of device memory in memslots, which the guest reaches without an exit; see `directRanges`. */
  readonly directMappedBytes: bigint;
  /** Bytes of device regions in the flat view whose accesses exit to the VMM. */
  readonly trappedBytes: bigint;
  /** Bytes of device memory that are mapped for P2P DMA, in the container that maps most. */
  readonly p2pMappedBytes: bigint;
  /** Ranges of the flat view. */
  readonly flatRanges: number;
  readonly memslots: number;
  /** DMA mappings of all containers. */
  readonly maps: number;
  /** Bytes of device memory without a memslot when the VMM died: KVM's listener might still have made one. */
  readonly undecidedBytes: bigint;
}

/** The figures of a run's last state. */
export function metricsOf(trace: Trace): Metrics {
  const last = trace.steps.length - 1;
  const { state } = trace.steps[last]!;
  const owned = state.flatView.filter(({ region }) => region.owner !== undefined);
  const direct = directRanges(trace, state);
  const isUndecided = (range: TraceRange): boolean => !isSettled(trace, last) && isMemory(range);
  const withoutSlot = (range: TraceRange): bigint =>
    range.end -
    range.start -
    sum(
      direct
        .filter((slot) => overlaps(range, slot))
        .map(({ start, end }) => lesser(range.end, end) - greater(range.start, start)),
    );
  const p2p = state.containers.map(({ mappings }) =>
    sum(mappings.filter(({ deviceMemory }) => deviceMemory).map(({ size }) => size)),
  );
  return {
    directMappedBytes: sum(direct.map(({ start, end }) => end - start)),
    trappedBytes: sum(owned.filter((range) => !isUndecided(range)).map(withoutSlot)),
    p2pMappedBytes: p2p.reduce((most, bytes) => greater(most, bytes), 0n),
    flatRanges: state.flatView.length,
    memslots: state.memslots.length,
    maps: state.containers.reduce((count, { mappings }) => count + mappings.length, 0),
    undecidedBytes: sum(owned.filter(isUndecided).map(withoutSlot)),
  };
}

/**
 * Where the guest reaches device memory without an exit: the memslots; where the target shows none, the whole host pages
 * of device memory in the flat view, for which KVM's listener would make memslots (kvm_align_section).
 */
function directRanges({ hidesMemslots, pages }: Trace, { flatView, memslots }: State): readonly Range[] {
  if (hidesMemslots !== true) {
    return memslots
      .filter(({ backing }) => backing.owner !== undefined)
      .map(({ gpa, size }) => ({ start: gpa, end: gpa + size }));
  }
  return flatView
    .filter((range) => range.region.owner !== undefined && isMemory(range))
    .map(({ start, end }) => ({ start: alignUp(start, pages.host), end: alignDown(end, pages.host) }))
    .filter(({ start, end }) => start < end);
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
