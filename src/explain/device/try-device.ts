import {
  intersection,
  joinRanges,
  lengthOf,
  partsOutside,
  type Range,
  type Size,
} from '../../address/index.ts';
import { findAnyRevision, runOnModel } from '../../model/index.ts';
import type { DeviceSpec, Scenario } from '../../scenario/index.ts';
import type { BarState, Outcome, Trace } from '../../trace/index.ts';
import { DEVICE_ID } from './device-spec.ts';
import { scenarioFor, type BarToPlace, type Circumstances } from './place-bars.ts';

/** What becomes of a memory BAR, in offsets in the device's BAR. */
export interface BarFate {
  readonly index: number;
  readonly size: Size;
  /** The bytes that the guest reaches without an exit. */
  readonly direct: Size;
  /** The stretches whose accesses exit to QEMU, by rising offset. */
  readonly trapped: readonly Range[];
  /** The bytes that other devices reach by DMA. */
  readonly p2p: Size;
}

/** A run of one device under some circumstances. */
export interface DeviceTrial {
  readonly outcome: Outcome;
  /** QEMU's message where the device is refused or QEMU dies. */
  readonly error: string | undefined;
  readonly bars: readonly BarFate[];
  readonly direct: Size;
  readonly trapped: Size;
  readonly p2p: Size;
  readonly trace: Trace;
}

/** Runs the device on the model. */
export function tryDevice(device: DeviceSpec, circumstances: Circumstances): DeviceTrial {
  const trace = runOnModel(scenarioOfTrial(device, circumstances), findAnyRevision(circumstances.revision)!);
  const bars = device.bars
    .filter(({ type }) => type !== 'io')
    .map(({ index, size }) => fateOf(trace, index, size));
  const sum = (part: (bar: BarFate) => bigint): bigint => bars.reduce((total, bar) => total + part(bar), 0n);
  return {
    outcome: trace.outcome,
    error: trace.error,
    bars,
    direct: sum(({ direct }) => direct),
    trapped: sum(({ size, direct }) => size - direct),
    p2p: sum(({ p2p }) => p2p),
    trace,
  };
}

/** The scenario that `tryDevice` runs. */
export function scenarioOfTrial(device: DeviceSpec, circumstances: Circumstances): Scenario {
  const own = device.bars
    .filter(({ type }) => type !== 'io')
    .map(({ index, size, type }): BarToPlace => ({ index, size, is64: type.startsWith('mem64') }));
  if (circumstances.relocation === 'off') return scenarioFor(device, circumstances, own);
  const started = runOnModel(
    scenarioFor(device, circumstances, []),
    findAnyRevision(circumstances.revision)!,
  );
  const bars = barsSeen(started)
    .filter(({ type, size }) => type !== 'io' && size > 0n)
    .map(({ index, size, type }): BarToPlace => ({ index, size, is64: type === 'mem64' }));
  return scenarioFor(device, circumstances, bars.length === 0 ? own : bars);
}

/** The BARs of the device that the guest sees after the last step. */
export const barsSeen = (trace: Trace): readonly BarState[] =>
  trace.steps.at(-1)!.state.devices.find(({ id }) => id === DEVICE_ID)?.bars ?? [];

function fateOf(trace: Trace, index: number, size: Size): BarFate {
  const { state } = trace.steps.at(-1)!;
  const bar = barsSeen(trace).find((other) => other.index === index);
  const within = (region: string, at: bigint, length: bigint): Range[] => {
    const start = startOf(bar, region);
    if (start === undefined) return [];
    // A BAR smaller than a page is stretched to a page: the bytes behind its end are not the device's.
    const own = intersection({ start: start + at, end: start + at + length }, { start: 0n, end: size });
    return own === undefined ? [] : [own];
  };
  const slots = state.memslots.flatMap(({ backing, size: length }) =>
    backing.owner === DEVICE_ID ? within(backing.region, backing.offset, length) : [],
  );
  const mappings = state.containers
    .flatMap((container) => container.mappings)
    .flatMap(({ backing, size: length, deviceMemory }) =>
      deviceMemory ? within(backing.region, backing.offset, length) : [],
    );
  const direct = joinRanges(slots);
  return {
    index,
    size,
    direct: total(direct),
    trapped: partsOutside({ start: 0n, end: size }, direct),
    p2p: total(joinRanges(mappings)),
  };
}

const startOf = (bar: BarState | undefined, region: string): bigint | undefined =>
  bar?.layers.find((layer) => layer.region === region)?.offset;

const total = (ranges: readonly Range[]): bigint =>
  ranges.reduce((bytes, range) => bytes + lengthOf(range), 0n);
