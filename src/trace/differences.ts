import { hex, type Size } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { comparableError } from './error-text.ts';
import type { DeviceState, TraceMapping, TraceRange } from './state.ts';
import type { Step, Trace } from './trace.ts';

/** One difference between the run of a scenario on the model and on a real QEMU. */
export interface TraceDifference {
  /** What differs: the causes of the invariant `model-agrees`. */
  readonly kind:
    | 'outcome'
    | 'error'
    | 'steps'
    | 'view'
    | 'requests'
    | 'mappings'
    | 'memslots'
    | 'devices'
    | 'unknown-request';
  /** Index of the step; `undefined` for a difference of the whole run. */
  readonly step: number | undefined;
  /** One line that names what the model has and what QEMU has. */
  readonly message: string;
}

/**
 * The differences between the run of a scenario on the model and on a real QEMU; empty where they agree. The
 * comparison covers the outcome and the error. For every step it covers the flat view, the requests to each container
 * in order, the live mappings, the BARs and the MSI-X state, and with KVM the memory slots. It leaves out the step of
 * a refusal or an abort, because timing decides which part of that step barproof observes. A request of QEMU that
 * barproof does not know is a difference by itself.
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
  for (const request of qemu.unknownRequests ?? []) {
    found.push({ kind: 'unknown-request', step: undefined, message: `barproof does not know ${request}` });
  }
  const [ours, theirs] = [completedSteps(model), completedSteps(qemu)];
  // A QEMU without KVM sets no slot.
  const hasKvm = theirs.some(({ state }) => state.memslots.length > 0);
  if (ours.length !== theirs.length && model.outcome === qemu.outcome) {
    const message = `the model completes ${ours.length} steps, QEMU ${theirs.length}`;
    found.push({ kind: 'steps', step: undefined, message });
  }
  for (let step = 0; step < Math.min(ours.length, theirs.length); step++) {
    found.push(...stepDifferences(ours[step]!, theirs[step]!, { step, hasKvm }));
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
  if (model.outcome !== 'aborted') return comparableError(model.error) === comparableError(qemu.error);
  if (model.abortSite === qemu.abortSite) return true;
  if (qemu.error !== undefined || model.abortSite?.endsWith('segfault') !== true) return false;
  // Without a C compiler there is no watch inside QEMU, and the place of the signal is unknown.
  return qemu.abortSite === 'sigsegv' || qemu.abortSite === 'sigbus';
}

function stepDifferences(
  model: Step,
  qemu: Step,
  { step, hasKvm }: { readonly step: number; readonly hasKvm: boolean },
): TraceDifference[] {
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
  if (hasKvm) {
    // The model begins with the whole machine; a real QEMU sets and deletes slots while it builds the machine.
    if (step > 0)
      compare('memslots', 'requests for memory slots', slotRequestLines(model), slotRequestLines(qemu));
    compare('memslots', 'memory slots', ours.memslots.map(slotLine), theirs.memslots.map(slotLine));
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
  events.flatMap((event) => ('container' in event && event.type !== 'skip' ? [event.container] : []));

const requestLines = ({ events }: Step, container: string): string[] =>
  events.flatMap((event) => {
    if (!('container' in event) || event.type === 'skip' || event.container !== container) return [];
    return [`${requestText(event)}${'errno' in event ? answerText(event.errno) : ''}`];
  });

const answerText = (errno: number): string => (errno === 0 ? '' : ` = -${errno}`);

const pagesText = (size: Size | undefined): string => (size === undefined ? '' : ` by ${hex(size)}`);

type ContainerEvent = Exclude<Extract<VmmEvent, { readonly container: string }>, { readonly type: 'skip' }>;

function requestText(event: ContainerEvent): string {
  switch (event.type) {
    case 'dma-map':
      return `map ${hex(event.iova)}+${hex(event.size)}${event.readonly ? ' read-only' : ''}`;
    case 'dma-unmap':
      return `unmap ${hex(event.iova)}+${hex(event.size)}`;
    case 'window-create':
    case 'window-remove':
      return `${event.type} ${hex(event.start)}+${hex(event.size)}${pagesText(event.pageSize)}`;
    case 'dirty-tracking':
      return `log ${event.ranges.map(({ start, end }) => `${hex(start)}-${hex(end - 1n)}`).join(' ')}`;
    // The address in QEMU is another one in each run.
    case 'register-memory':
    case 'unregister-memory':
      return `${event.type} of ${hex(event.size)} bytes`;
  }
}

const slotRequestLines = ({ events }: Step): string[] =>
  events.flatMap((event) => {
    if (event.type !== 'memslot') return [];
    const { slot, errno } = event;
    const text = slot.size === 0n ? `delete ${hex(slot.gpa)}` : `set ${slotLine(slot)}`;
    return [`${text}${answerText(errno)}`];
  });

const slotLine = ({ gpa, size, readonly, backing }: Memslot): string =>
  `${hex(gpa)}+${hex(size)}${readonly ? ' read-only' : ''} ${backing.region} @${hex(backing.offset)}`;

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
