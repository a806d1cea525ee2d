import { hex } from '../address/index.ts';
import type { DeviceState, Step, Trace, TraceMapping, TraceRange } from './trace.ts';

/** Something in which two runs of a scenario are not the same. */
export interface TraceDifference {
  /** What differs. */
  readonly kind: 'outcome' | 'error' | 'steps' | 'view' | 'requests' | 'mappings' | 'devices';
  /** Index of the step; nothing where the whole run is meant. */
  readonly step: number | undefined;
  /** One line: what the model has and what the real VMM has. */
  readonly message: string;
}

/**
 * In what the model's run of a scenario differs from a real QEMU's; nothing where they agree. Compared
 * are what both can show: outcome and error; for every step flat view, DMA requests in order for each
 * container, live mappings, BARs and MSI-X state. Of the step that a run ends with, where it ends badly, only
 * the outcome is compared: what is seen of it depends on the moment.
 */
export function differences(model: Trace, qemu: Trace): readonly TraceDifference[] {
  const found: TraceDifference[] = [];
  if (model.outcome !== qemu.outcome) {
    const message = `the model ends ${endText(model)}, QEMU ends ${endText(qemu)}`;
    found.push({ kind: 'outcome', step: undefined, message });
  } else if (!sameError(model, qemu)) {
    const message = `the model says ${endText(model)}, QEMU says ${endText(qemu)}`;
    found.push({ kind: 'error', step: undefined, message });
  }
  const [ours, theirs] = [model, qemu].map(wholeSteps) as [readonly Step[], readonly Step[]];
  if (ours.length !== theirs.length && model.outcome === qemu.outcome) {
    const message = `the model comes to ${ours.length} steps, QEMU to ${theirs.length}`;
    found.push({ kind: 'steps', step: undefined, message });
  }
  for (let step = 0; step < Math.min(ours.length, theirs.length); step++) {
    found.push(...stepDifferences(ours[step]!, theirs[step]!, step));
  }
  return found;
}

/** The steps that were carried out to their end: those of which more than the outcome is compared. */
export const wholeSteps = ({ outcome, steps }: Trace): readonly Step[] => {
  // Taking everything away is a step only where a VMM dies of it.
  const operations = steps.filter(({ operation }) => operation.op !== 'stop');
  return outcome === 'ok' ? operations : operations.slice(0, -1);
};

const endText = ({ outcome, error, abortSite }: Trace): string =>
  `${outcome}${abortSite === undefined ? '' : ` (${abortSite})`}${error === undefined ? '' : `: ${error}`}`;

/** A death by signal leaves no words, and those of QEMU may have a pointer in them. */
function sameError(model: Trace, qemu: Trace): boolean {
  if (model.outcome !== 'aborted') return model.error === qemu.error;
  if (model.abortSite === qemu.abortSite) return true;
  if (qemu.error !== undefined || model.abortSite?.endsWith('segfault') !== true) return false;
  // Without a compiler nobody can tell where a signal struck.
  return qemu.abortSite === 'sigsegv' || qemu.abortSite === 'sigbus';
}

function stepDifferences(model: Step, qemu: Step, step: number): TraceDifference[] {
  const found: TraceDifference[] = [];
  const compare = (
    kind: TraceDifference['kind'],
    what: string,
    ours: readonly string[],
    theirs: readonly string[],
  ) => {
    const text = listDifference(ours, theirs);
    if (text !== undefined) found.push({ kind, step, message: `${what} of step ${step}: ${text}` });
  };
  const [ours, theirs] = [model.state, qemu.state];
  compare('view', 'flat view', ours.flatView.map(rangeLine), theirs.flatView.map(rangeLine));
  const containers = new Set([...containersOf(model), ...containersOf(qemu)]);
  for (const container of containers) {
    compare(
      'requests',
      `requests to ${container}`,
      requestLines(model, container),
      requestLines(qemu, container),
    );
  }
  for (const container of new Set([...ours.containers, ...theirs.containers].map(({ name }) => name))) {
    const lines = (containersState: Step['state']['containers']): readonly string[] =>
      containersState.find(({ name }) => name === container)?.mappings.map(mappingLine) ?? ['(no container)'];
    compare('mappings', `mappings of ${container}`, lines(ours.containers), lines(theirs.containers));
  }
  compare('devices', 'devices', ours.devices.flatMap(deviceLines), theirs.devices.flatMap(deviceLines));
  return found;
}

/**
 * The type of a flat range as `info mtree -f` of QEMU 11 prints it (memory facts 8.3 and 8.9). Written here a second
 * time, so that a fault in the model's printer cannot hide a difference from QEMU.
 */
export function typeOfRange({ region: { kind }, readonly, romdMode, contained }: TraceRange): string {
  if (readonly) return 'rom';
  if (kind === 'ram') return 'ram';
  if (kind === 'ram-device') return 'ramd';
  if (kind === 'rom-device' && romdMode) return 'romd';
  return contained ? 'i/o' : 'container';
}

/** A flat range as in `info mtree -f` of QEMU 11. */
const rangeLine = (range: TraceRange): string => {
  const { start, end, region, offset, priority } = range;
  return `${hex(start)}-${hex(end - 1n)} (prio ${priority}, ${typeOfRange(range)}): ${region.name} @${hex(offset)}`;
};

const containersOf = ({ events }: Step): string[] =>
  events.flatMap((event) =>
    event.type === 'dma-map' || event.type === 'dma-unmap' ? [event.container] : [],
  );

const requestLines = ({ events }: Step, container: string): string[] =>
  events.flatMap((event) => {
    if (event.type !== 'dma-map' && event.type !== 'dma-unmap') return [];
    if (event.container !== container) return [];
    const range = `${hex(event.iova)}+${hex(event.size)}`;
    const answer = event.errno === 0 ? '' : ` = -${event.errno}`;
    if (event.type === 'dma-unmap') return [`unmap ${range}${answer}`];
    return [`map ${range}${event.readonly ? ' read-only' : ''}${answer}`];
  });

const mappingLine = ({ iova, size, readonly, backing }: TraceMapping): string =>
  `${hex(iova)}+${hex(size)}${readonly ? ' read-only' : ''} ${backing.region} @${hex(backing.offset)}`;

const deviceLines = ({ id, bars, msix }: DeviceState): string[] => [
  ...bars.map(({ index, type, size, address, layers }) => {
    const place = address === undefined ? 'unmapped' : `at ${hex(address)}`;
    const shown = layers
      .map(({ region, offset }) => `${region}@${hex(offset)}`)
      .toSorted()
      .join(', ');
    return `${id} BAR ${index} ${type} ${hex(size)} ${place}: ${shown}`;
  }),
  ...(msix === undefined ? [] : [`${id} MSI-X ${msixText(msix)}`]),
];

const msixText = ({
  layout,
  enabled,
  functionMasked,
  emulatedAt,
}: NonNullable<DeviceState['msix']>): string => {
  const { vectors, tableBar, tableOffset, pbaBar, pbaOffset } = layout;
  const emulated = emulatedAt === undefined ? 'nowhere' : `${emulatedAt.bar}:${hex(emulatedAt.offset)}`;
  return (
    `${vectors} vectors, table ${tableBar}:${hex(tableOffset)}, PBA ${pbaBar}:${hex(pbaOffset)}, ` +
    `emulated ${emulated}${enabled ? ', enabled' : ''}${functionMasked ? ', masked' : ''}`
  );
};

/** Lines of each side that a message has at most, and characters of each: it is to fit into a stored case. */
const MOST_LINES = 4;
const LONGEST_LINE = 1000;

const shorten = (line: string): string =>
  line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE - 1)}…`;

/** The first lines of each list that the other does not have, or the first that are not in the same place. */
function listDifference(ours: readonly string[], theirs: readonly string[]): string | undefined {
  if (ours.length === theirs.length && ours.every((line, index) => line === theirs[index])) return undefined;
  const only = (list: readonly string[], other: readonly string[]): string =>
    list
      .filter((line) => !other.includes(line))
      .slice(0, MOST_LINES)
      .map(shorten)
      .join('; ');
  const [extra, lacking] = [only(ours, theirs), only(theirs, ours)];
  if (extra === '' && lacking === '') {
    const place = ours.findIndex((line, index) => line !== theirs[index]);
    const at = place === -1 ? ours.length : place;
    const lineIn = (list: readonly string[]): string => shorten(list[at] ?? 'nothing');
    return `in place ${at + 1} the model has ${lineIn(ours)}, QEMU has ${lineIn(theirs)}`;
  }
  return `only the model has ${extra || 'nothing'}; only QEMU has ${lacking || 'nothing'}`;
}
