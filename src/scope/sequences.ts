import { offset } from '../address/index.ts';
import type { DeviceSpec, Operation } from '../scenario/index.ts';

const DEVICE = 'dev0';
/** Where the guest puts BAR 0 first: above the RAM of the scope. */
const HOME = 0x1000_0000n;
/** Where the guest puts the BAR of the PBA, if there is one. */
const OTHER_HOME = 0x2000_0000n;

/**
 * What the guest and the user may do, by name. `move` puts BAR 0 right behind its place: next to what was there, and on
 * another page only if the BAR is not smaller than a page. `read` reads the first byte of the MSI-X table, or of BAR 0.
 */
const STEPS = {
  'disable-memory': () => ({ op: 'disable-memory', device: DEVICE }),
  'enable-memory': () => ({ op: 'enable-memory', device: DEVICE }),
  move: ({ bars }) => ({ op: 'set-bar', device: DEVICE, bar: 0, address: HOME + bars[0]!.size }),
  'move-back': () => ({ op: 'set-bar', device: DEVICE, bar: 0, address: HOME }),
  'size-bar': () => ({ op: 'size-bar', device: DEVICE, bar: 0 }),
  read: ({ msix }) => ({
    op: 'access-bar',
    device: DEVICE,
    bar: 0,
    offset: msix?.tableOffset ?? offset(0n),
    width: 4,
    write: false,
  }),
  'enable-msix': () => ({ op: 'enable-msix', device: DEVICE }),
  reset: () => ({ op: 'reset' }),
  unplug: () => ({ op: 'unplug', device: DEVICE }),
  hotplug: () => ({ op: 'hotplug', device: DEVICE }),
} as const satisfies Record<string, (device: DeviceSpec) => Operation>;
type Step = keyof typeof STEPS;

/** A sequence of steps: what the guest and the user do after the guest has placed and enabled the BARs. */
export type Sequence = readonly Step[];

/**
 * All sequences of at most `most` steps, shorter ones first. A device that is unplugged can only be plugged in again, and
 * one that is plugged in cannot be plugged in.
 */
export function sequencesUpTo(most: number): readonly Sequence[] {
  let longest: readonly Sequence[] = [[]];
  const all = [...longest];
  for (let length = 1; length <= most; length++) {
    longest = longest.flatMap((sequence) => nextAfter(sequence).map((step) => [...sequence, step]));
    all.push(...longest);
  }
  return all;
}

function nextAfter(sequence: Sequence): readonly Step[] {
  const isPlugged = sequence.findLast((step) => step === 'unplug' || step === 'hotplug') !== 'unplug';
  return (Object.keys(STEPS) as Step[]).filter((step) =>
    isPlugged ? step !== 'hotplug' : step === 'hotplug' || step === 'reset',
  );
}

/** The operations of a sequence on a device, with those by which the guest first places and enables its BARs. */
export const operationsOf = (sequence: Sequence, device: DeviceSpec): readonly Operation[] => [
  { op: 'set-bar', device: DEVICE, bar: 0, address: HOME },
  ...(device.bars.length > 1
    ? [{ op: 'set-bar', device: DEVICE, bar: 2, address: OTHER_HOME } as const]
    : []),
  { op: 'enable-memory', device: DEVICE },
  ...sequence.map((step) => STEPS[step](device)),
];
