import * as fc from 'fast-check';
import { hostAddress, offset, type HostAddress, type Offset } from '../../src/address/index.ts';
import type { Memslot } from '../../src/host/index.ts';
import type {
  ContainerState,
  DeviceState,
  State,
  Trace,
  TraceMapping,
  TraceRange,
} from '../../src/trace/index.ts';

const PAGE = 0x1000n;

const moved = (at: Offset): Offset => offset(at + PAGE);
const elsewhere = <Address extends HostAddress | undefined>(at: Address) =>
  at === undefined ? at : hostAddress(at + PAGE);

/** Puts another member, or several or none, in place of one member of a list. */
type Fault<T> = (member: T) => readonly T[];

const RANGE_FAULTS: readonly Fault<TraceRange>[] = [
  () => [],
  (range) => [{ ...range, end: range.end - 1n }],
  (range) => [{ ...range, end: range.end + PAGE }],
  (range) => [{ ...range, readonly: !range.readonly }],
  (range) => [{ ...range, offset: moved(range.offset) }],
  (range) => [{ ...range, end: range.end - 1n }, ...split(range)],
];
const split = (range: TraceRange): readonly TraceRange[] => [
  {
    ...range,
    start: range.end - 1n,
    offset: offset(range.offset + (range.end - 1n - range.start)),
  } as TraceRange,
];
const MAPPING_FAULTS: readonly Fault<TraceMapping>[] = [
  () => [],
  (mapping) => [{ ...mapping, readonly: !mapping.readonly }],
  (mapping) => [{ ...mapping, size: mapping.size + PAGE }],
  (mapping) => [{ ...mapping, hostAddress: elsewhere(mapping.hostAddress) }],
  (mapping) => [{ ...mapping, backing: { ...mapping.backing, offset: moved(mapping.backing.offset) } }],
];
const SLOT_FAULTS: readonly Fault<Memslot>[] = [
  () => [],
  (slot) => [{ ...slot, readonly: !slot.readonly }],
  (slot) => [{ ...slot, size: slot.size + PAGE }],
  (slot) => [{ ...slot, hostAddress: hostAddress(slot.hostAddress + PAGE) }],
  (slot) => [{ ...slot, hostAddress: hostAddress(slot.hostAddress + 1n) }],
];
const DEVICE_FAULTS: readonly Fault<DeviceState>[] = [
  () => [],
  ({ msix, ...device }) => [{ ...device, msix: msix && { ...msix, layout: { ...msix.layout, vectors: 1 } } }],
  ({ bars, ...device }) => [{ ...device, bars: bars.map((bar) => ({ ...bar, size: bar.size / 2n })) }],
];

/** A fault that shows in some of the steps. */
interface Distortion {
  readonly part: 'range' | 'mapping' | 'slot' | 'device';
  /** Which of the faults of the part. */
  readonly fault: number;
  /** Which member of the list, counted from its end. */
  readonly member: number;
  readonly firstStep: number;
  readonly steps: number;
}

/** A few faults that come and go between the steps of a trace. */
export const distortions: fc.Arbitrary<readonly Distortion[]> = fc.array(
  fc.record({
    part: fc.constantFrom('range', 'mapping', 'slot', 'device'),
    fault: fc.nat({ max: 5 }),
    member: fc.nat({ max: 20 }),
    firstStep: fc.nat({ max: 6 }),
    steps: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** The trace with the faults. Parts of states that a fault does not reach stay the same objects. */
export function distort(trace: Trace, faults: readonly Distortion[]): Trace {
  const spoilers = faults.map((fault) => new Spoiler(fault));
  const steps = trace.steps.map(({ operation, events, state }, step) => ({
    operation,
    events,
    state: spoilers.reduce((spoilt, spoiler) => spoiler.state(spoilt, step), state),
  }));
  return { ...trace, steps };
}

/** Applies one distortion: equal lists and members get the same replacement in each step. */
class Spoiler {
  readonly #distortion: Distortion;
  readonly #lists = new Map<unknown, unknown>();
  readonly #members = new Map<unknown, unknown>();
  readonly #states = new Map<State, State>();

  constructor(distortion: Distortion) {
    this.#distortion = distortion;
  }

  state(state: State, step: number): State {
    const { firstStep, steps } = this.#distortion;
    if (step < firstStep || step >= firstStep + steps) return state;
    const known = this.#states.get(state) ?? this.#spoil(state);
    this.#states.set(state, known);
    return known;
  }

  #spoil(state: State): State {
    switch (this.#distortion.part) {
      case 'range':
        return {
          ...state,
          flatView: this.#list(state.flatView, RANGE_FAULTS),
          dmaView: this.#list(state.dmaView, RANGE_FAULTS),
        };
      case 'mapping':
        return { ...state, containers: state.containers.map((container) => this.#container(container)) };
      case 'slot':
        return { ...state, memslots: this.#list(state.memslots, SLOT_FAULTS) };
      case 'device':
        return { ...state, devices: this.#list(state.devices, DEVICE_FAULTS) };
    }
  }

  #container({ name, mappings }: ContainerState): ContainerState {
    return { name, mappings: this.#list(mappings, MAPPING_FAULTS) };
  }

  #list<T>(list: readonly T[], faults: readonly Fault<T>[]): readonly T[] {
    const known = this.#lists.get(list);
    if (known !== undefined) return known as readonly T[];
    const { fault, member } = this.#distortion;
    const index = list.length - 1 - (member % Math.max(list.length, 1));
    const spoilt = list.flatMap((each, at) =>
      at === index ? this.#member(each, faults[fault % faults.length]!) : [each],
    );
    this.#lists.set(list, spoilt);
    return spoilt;
  }

  #member<T>(member: T, fault: Fault<T>): readonly T[] {
    const known = this.#members.get(member) ?? fault(member);
    this.#members.set(member, known);
    return known as readonly T[];
  }
}
