import { overlaps } from '../address/index.ts';
import type { State } from '../trace/index.ts';

/** Figures of a state, by which the cost of a patch is measured; they are not verdicts. */
export interface Metrics {
  /** Bytes of device memory in memslots, which the guest reaches without an exit. */
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
}

/** The figures of one state. */
export function metricsOf(state: State): Metrics {
  const owned = state.flatView.filter(({ region }) => region.owner !== undefined);
  const slots = state.memslots.filter(({ backing }) => backing.owner !== undefined);
  const direct = sum(slots.map(({ size }) => size));
  const slotted = sum(
    slots.flatMap(({ gpa, size }) =>
      owned
        .filter((range) => overlaps(range, { start: gpa, end: gpa + size }))
        .map((range) => lesser(range.end, gpa + size) - greater(range.start, gpa)),
    ),
  );
  const p2p = state.containers.map(({ mappings }) =>
    sum(mappings.filter(({ deviceMemory }) => deviceMemory).map(({ size }) => size)),
  );
  return {
    directMappedBytes: direct,
    trappedBytes: sum(owned.map(({ start, end }) => end - start)) - slotted,
    p2pMappedBytes: p2p.reduce((most, bytes) => (bytes > most ? bytes : most), 0n),
    flatRanges: state.flatView.length,
    memslots: state.memslots.length,
    maps: state.containers.reduce((count, { mappings }) => count + mappings.length, 0),
  };
}

const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);
const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b);
