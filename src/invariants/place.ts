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
  /** Nothing: the violation has no addresses, or no memory is there. */
  'nowhere',
] as const;
export type Place = (typeof PLACES)[number];

/**
 * What lies at the addresses of a violation: by the last request for exactly these addresses, or for some of them, or
 * else by the flat view.
 */
export function placeOf({ at, step }: Violation, trace: Trace): Place {
  if (at === undefined) return 'nowhere';
  const events = trace.steps.slice(0, step + 1).flatMap((one) => one.events);
  const requests = events.flatMap((event) => backingOf(event) ?? []).filter((request) => touch(request, at));
  // A later request of the same step may touch the addresses, such as that of RAM which a moved BAR uncovers.
  const asked = requests.findLast((request) => isSame(request, at)) ?? requests.at(-1);
  if (asked !== undefined) return nameOf(asked.region, asked.owner, trace);
  const states = [trace.steps[step], trace.steps[step - 1]].flatMap((one) => (one ? [one.state] : []));
  const shown = states.flatMap(rangesOf).find((range) => touch(range, at));
  return shown === undefined ? 'nowhere' : nameOf(shown.region.name, shown.region.owner, trace);
}

const rangesOf = ({ flatView, dmaView }: State) => [...flatView, ...dmaView];

/** The addresses of a request that maps memory, and the region behind them. */
function backingOf(event: VmmEvent): (Range & { region: string; owner: string | undefined }) | undefined {
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

function nameOf(region: string, owner: string | undefined, { scenario }: Trace): Place {
  if (owner !== undefined) return 'bar';
  const isAdded = scenario.operations.some(
    (operation) => operation.op === 'add-region' && operation.name === region,
  );
  return isAdded ? 'added-region' : 'machine-memory';
}
