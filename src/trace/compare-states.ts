import type { Range } from '../address/index.ts';
import {
  StateChange,
  ViewChange,
  type ContainerChange,
  type DeviceChange,
  type ListChange,
} from './change.ts';
import type { ContainerState, DeviceState, State, TraceRange } from './state.ts';
import type { Step } from './trace.ts';

/** The parts of a change that a target knows without a comparison; the others are compared. */
export interface KnownParts {
  readonly flatView?: ViewChange;
  readonly dmaView?: ViewChange;
}

/**
 * How `after` differs from `before`. Parts that are the same object have not changed; of lists, the same holds for
 * their members.
 *
 * @param before `undefined` for the first state, of which everything is new.
 */
export function compareStates(before: State | undefined, after: State, known: KnownParts = {}): StateChange {
  // Blocks of virtio-mem change what is to be mapped of ranges that stay the same.
  if (before !== undefined && before.plugged !== after.plugged) return compareWholeViews(before, after);
  const flatView = known.flatView ?? compareViews(before?.flatView, after.flatView);
  const isShared = after.dmaView === after.flatView && before?.dmaView === before?.flatView;
  return new StateChange({
    before,
    after,
    flatView,
    dmaView: isShared ? flatView : (known.dmaView ?? compareViews(before?.dmaView, after.dmaView)),
    containers: compareContainers(before?.containers, after.containers),
    memslots: compareLists(before?.memslots, after.memslots),
    devices: compareDevices(before?.devices, after.devices),
  });
}

function compareWholeViews(before: State, after: State): StateChange {
  const flatView = new ViewChange(after.flatView, 'whole');
  const { plugged: _, ...same } = before;
  const { plugged: __, ...now } = after;
  const change = compareStates(same, now);
  const { containers, memslots, devices } = change;
  const isShared = after.dmaView === after.flatView && before.dmaView === before.flatView;
  const dmaView = isShared ? flatView : new ViewChange(after.dmaView, 'whole');
  return new StateChange({ before, after, flatView, dmaView, containers, memslots, devices });
}

/**
 * The change that the step carries, if it leads from `before`; otherwise the result of a comparison of both states.
 *
 * @param before the state of the step before; `undefined` for the first step.
 */
export const changeOf = ({ change, state }: Step, before: State | undefined): StateChange =>
  change !== undefined && change.before === before && change.after === state
    ? change
    : compareStates(before, state);

function compareViews(before: readonly TraceRange[] | undefined, after: readonly TraceRange[]): ViewChange {
  if (before === after) return new ViewChange(after, []);
  const isComparable = before !== undefined && isSorted(before) && isSorted(after);
  return new ViewChange(after, isComparable ? differingStretches(before, after) : 'whole');
}

function isSorted(view: readonly TraceRange[]): boolean {
  let end: bigint | undefined;
  for (const range of view) {
    if (range.start >= range.end || (end !== undefined && range.start < end)) return false;
    ({ end } = range);
  }
  return true;
}

/** The addresses of ranges that only one of the views has. Both views are sorted and disjoint. */
function differingStretches(before: readonly TraceRange[], after: readonly TraceRange[]): readonly Range[] {
  const stretches: Range[] = [];
  let [start, end]: [bigint | undefined, bigint] = [undefined, 0n];
  const close = (): void => {
    if (start !== undefined) stretches.push({ start, end });
    start = undefined;
  };
  for (let [old, now] = [0, 0]; old < before.length || now < after.length;) {
    const [gone, come] = [before[old], after[now]];
    if (gone !== undefined && gone === come) {
      old++;
      now++;
      close();
      continue;
    }
    const isOld = gone !== undefined && (come === undefined || gone.start <= come.start);
    const range = isOld ? gone : come!;
    if (isOld) old++;
    else now++;
    if (start !== undefined && range.start > end) close();
    if (start === undefined) [start, end] = [range.start, range.end];
    else if (range.end > end) ({ end } = range);
  }
  close();
  return stretches;
}

const NOTHING: readonly never[] = [];
const NO_CHANGE: ListChange<never> = { added: NOTHING, removed: NOTHING };

/** From this length on the lists are compared with sets. */
const MANY = 16;

/** The members that only one of the lists has, compared by identity. */
export function compareLists<T>(before: readonly T[] | undefined, after: readonly T[]): ListChange<T> {
  if (before === after) return NO_CHANGE;
  if (before === undefined || before.length === 0) return { added: after, removed: NOTHING };
  let first = 0;
  let [oldEnd, newEnd] = [before.length, after.length];
  while (first < oldEnd && first < newEnd && before[first] === after[first]) first++;
  while (oldEnd > first && newEnd > first && before[oldEnd - 1] === after[newEnd - 1]) {
    oldEnd--;
    newEnd--;
  }
  const [old, now] = [before.slice(first, oldEnd), after.slice(first, newEnd)];
  return { added: without(now, old), removed: without(old, now) };
}

/** The members of `list` that `other` does not have. */
function without<T>(list: readonly T[], other: readonly T[]): readonly T[] {
  if (list.length === 0 || other.length === 0) return list;
  const known = other.length < MANY ? undefined : new Set(other);
  return list.filter((member) => !(known === undefined ? other.includes(member) : known.has(member)));
}

function compareContainers(
  before: readonly ContainerState[] | undefined,
  after: readonly ContainerState[],
): readonly ContainerChange[] {
  if (before === after) return NOTHING;
  const changes: ContainerChange[] = [];
  for (const container of after) {
    const old = before?.find(({ name }) => name === container.name);
    if (old === undefined) {
      changes.push({ container, kind: 'opened', added: container.mappings, removed: NOTHING });
    } else if (old.mappings !== container.mappings) {
      changes.push({ container, kind: 'changed', ...compareLists(old.mappings, container.mappings) });
    }
  }
  for (const container of before ?? NOTHING) {
    if (after.some(({ name }) => name === container.name)) continue;
    changes.push({ container, kind: 'closed', added: NOTHING, removed: container.mappings });
  }
  return changes;
}

const NO_DEVICES: DeviceChange = {
  plugged: NOTHING,
  changed: NOTHING,
  reshaped: NOTHING,
  unplugged: NOTHING,
};

function compareDevices(
  before: readonly DeviceState[] | undefined,
  after: readonly DeviceState[],
): DeviceChange {
  if (before === after) return NO_DEVICES;
  const plugged: DeviceState[] = [];
  const changed: DeviceState[] = [];
  const reshaped: DeviceState[] = [];
  for (const device of after) {
    const old = before?.find(({ id }) => id === device.id);
    if (old === device) continue;
    if (old === undefined) plugged.push(device);
    else changed.push(device);
    if (old === undefined || !haveSameShape(old, device)) reshaped.push(device);
  }
  const unplugged = (before ?? NOTHING)
    .filter((device: DeviceState) => !after.some(({ id }) => id === device.id))
    .map(({ id }) => id);
  return { plugged, changed, reshaped, unplugged };
}

/** Whether two states of a device differ at most in addresses and in the switches of MSI-X. Parts are compared by identity. */
function haveSameShape({ bars, msix }: DeviceState, { bars: newBars, msix: newMsix }: DeviceState): boolean {
  return (
    msix?.layout === newMsix?.layout &&
    msix?.emulatedAt === newMsix?.emulatedAt &&
    msix?.pbaAt === newMsix?.pbaAt &&
    bars.length === newBars.length &&
    bars.every((bar, position) => {
      const now = newBars[position]!;
      return (
        bar.layers === now.layers &&
        bar.index === now.index &&
        bar.type === now.type &&
        bar.prefetchable === now.prefetchable &&
        bar.size === now.size &&
        bar.resizedTo === now.resizedTo
      );
    })
  );
}
