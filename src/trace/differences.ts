import { hex } from '../address/index.ts';
import type { DeviceState, TraceMapping, TraceRange } from './state.ts';
import type { Step, Trace } from './trace.ts';

/** One difference between the run of a scenario on the model and on a real QEMU. */
export interface TraceDifference {
  /** What differs: the causes of the invariant `model-agrees`. */
  readonly kind: 'outcome' | 'error' | 'steps' | 'view' | 'requests' | 'mappings' | 'devices';
  /** Index of the step; `undefined` for a difference of the whole run. */
  readonly step: number | undefined;
  /** One line that names what the model has and what QEMU has. */
  readonly message: string;
}

/**
 * The differences between the run of a scenario on the model and on a real QEMU; empty where they agree. The
 * comparison covers the outcome and the error. For every step it covers the flat view, the DMA requests of each
 * container in order, the live mappings, the BARs and the MSI-X state. It leaves out the step of a refusal or an
 * abort, because timing decides which part of that step barproof observes.
 */
export function differences(model: Trace, qemu: Trace): readonly TraceDifference[] {
  const found: TraceDifference[] = [];
  if (model.outcome !== qemu.outcome) {
    const message = `the model ends with ${endText(model)}, QEMU with ${endText(qemu)}`;
    found.push({ kind: 'outcome', step: undefined, message });
  } else if (!sameError(model, qemu)) {
    const message = `the model reports ${endText(model)}, QEMU ${endText(qemu)}`;
    found.push({ kind: 'error', step: undefined, message });
  }
  const [ours, theirs] = [completedSteps(model), completedSteps(qemu)];
  if (ours.length !== theirs.length && model.outcome === qemu.outcome) {
    const message = `the model completes ${ours.length} steps, QEMU ${theirs.length}`;
    found.push({ kind: 'steps', step: undefined, message });
  }
  for (let step = 0; step < Math.min(ours.length, theirs.length); step++) {
    found.push(...stepDifferences(ours[step]!, theirs[step]!, step));
  }
  return found;
}

/** The steps that the VMM completed: all but the one in which it refused a device or died. */
export const completedSteps = ({ outcome, steps }: Trace): readonly Step[] => {
  // The shutdown is a step only of a VMM that dies in it.
  const operations = steps.filter(({ operation }) => operation.op !== 'stop');
  return outcome === 'ok' ? operations : operations.slice(0, -1);
};

/** The outcome of a run, with the site of an abort and the error. */
const endText = ({ outcome, error, abortSite }: Trace): string =>
  `${outcome}${abortSite === undefined ? '' : ` (${abortSite})`}${error === undefined ? '' : `: ${error}`}`;

/**
 * Whether both runs report the same error. Aborts are compared by site: a signal prints no message, and a message of
 * QEMU may contain a pointer.
 */
function sameError(model: Trace, qemu: Trace): boolean {
  if (model.outcome !== 'aborted') return model.error === qemu.error;
  if (model.abortSite === qemu.abortSite) return true;
  if (qemu.error !== undefined || model.abortSite?.endsWith('segfault') !== true) return false;
  // Without a C compiler there is no watch inside QEMU, and the place of the signal is unknown.
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

/** The most lines of each side in a message, and characters of a line: stored cases keep 10,000 characters. */
const MOST_LINES = 4;
const LONGEST_LINE = 1000;

const shorten = (line: string): string =>
  line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE - 1)}…`;

/** Names the first lines that only one of two lists has, or else the first position at which they differ. */
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
    return `at position ${at + 1} the model has ${lineIn(ours)}, QEMU has ${lineIn(theirs)}`;
  }
  return `only the model has ${extra || 'nothing'}; only QEMU has ${lacking || 'nothing'}`;
}
