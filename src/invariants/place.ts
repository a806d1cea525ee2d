import type { Range } from '../address/index.ts';
import type { State, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import type { Violation } from './invariant.ts';

/** What lies at the addresses of a violation. */
export const PLACES = [
  /** Memory of the machine itself: RAM, ROM. */
  'machine-memory',
  /** A region that the scenario has added. */
  'added-region',
  /** A BAR of a device. */
  'bar',
  /** The expansion ROM of a device. */
  'expansion-rom',
  /** Nothing: the violation has no addresses, or no memory is there. */
  'nowhere',
] as const;
export type Place = (typeof PLACES)[number];

/**
 * What lies at the addresses of a violation: by the last request for exactly these addresses, or by a range of the flat
 * view with exactly these; else by the last request for some of them, or by the flat view.
 */
export function placeOf({ at, step }: Violation, trace: Trace): Place {
  if (at === undefined) return 'nowhere';
  const events = [...trace.steps, trace.teardown].slice(0, step + 1).flatMap((one) => one?.events ?? []);
  const requests = events.flatMap((event) => backingOf(event) ?? []).filter((request) => touch(request, at));
  const exact = requests.findLast((request) => isSame(request, at));
  if (exact !== undefined) return nameOf(exact, trace);
  const states = [trace.steps[step], trace.steps[step - 1]].flatMap((one) => (one ? [one.state] : []));
  const shown = states.flatMap(rangesOf).filter((range) => touch(range, at));
  // A request may only touch the addresses: one for RAM that a moved BAR uncovers, one for a ROM below a trapped BAR.
  const found = shown.find((range) => isSame(range, at)) ?? requests.at(-1) ?? shown[0];
  return found === undefined ? 'nowhere' : nameOf(found, trace);
}

/** Addresses, and the region at them. */
type Backed = Range & { readonly region: string; readonly owner: string | undefined };

const rangesOf = ({ flatView, dmaView }: State): readonly Backed[] =>
  [...flatView, ...dmaView].map(({ start, end, region: { name, owner } }) => ({
    start,
    end,
    region: name,
    owner,
  }));

/** The addresses of a request that maps memory, and the region behind them. */
function backingOf(event: VmmEvent): Backed | undefined {
  if (event.type === 'dma-map') {
    const { iova, size, backing } = event;
    return { start: iova, end: iova + size, region: backing.region, owner: backing.owner };
  }
  if (event.type !== 'memslot') return undefined;
  const { gpa, size, backing } = event.slot;
  return { start: gpa, end: gpa + size, region: backing.region, owner: backing.owner };
}

const isSame = (a: Range, b: Range): boolean => a.start === b.start && a.end === b.end;
const touch = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;

function nameOf({ region, owner }: Backed, { scenario }: Trace): Place {
  // QEMU calls it `vfio[NAME].rom`, or `vfio-cpr-pci.rom` if a file of the user's is in it.
  if (owner !== undefined) return region.endsWith('.rom') ? 'expansion-rom' : 'bar';
  const isAdded = scenario.operations.some(
    (operation) => operation.op === 'add-region' && operation.name === region,
  );
  return isAdded ? 'added-region' : 'machine-memory';
}
