/** Traces made by hand, for the tests of the invariants and for nothing else. */
import { gpa, hostAddress, iova, offset } from '../../address/index.ts';
import type { DmaMapping, Errno, Memslot } from '../../host/index.ts';
import type { MsixLayout } from '../../pci-layout/index.ts';
import { decodeScenario, type Scenario } from '../../scenario/index.ts';
import type {
  BarState,
  ContainerState,
  DeviceState,
  State,
  Step,
  Trace,
  TraceNode,
  TraceRange,
  TraceRegion,
} from '../../trace/index.ts';
import type {
  DmaMapEvent,
  DmaUnmapEvent,
  MemslotEvent,
  MmapEvent,
  RegisterMemoryEvent,
  VmmEvent,
  WindowEvent,
} from '../../vfio/index.ts';
import { examine, type Invariant, type Violation } from '../index.ts';

export const PAGE = 0x1000n;
export const PAGE_64K = 0x1_0000n;
export const END = 1n << 64n;
/** Where byte 0 of every region lies in the VMM unless a test says otherwise. */
const HOST_BASE = 0x7f00_0000_0000n;

export const region = (
  name: string,
  kind: TraceRegion['kind'] = 'ram',
  owner: string | undefined = undefined,
): TraceRegion => ({ name, kind, owner });

export const RAM = region('ram');

/** A flat range that begins at offset 0 of its region. */
export const flat = (
  start: bigint,
  size: bigint,
  shown: TraceRegion = RAM,
  more: Partial<Omit<TraceRange, 'offset'>> & { readonly offset?: bigint } = {},
): TraceRange => ({
  start,
  end: start + size,
  region: shown,
  readonly: false,
  nonvolatile: false,
  unmergeable: false,
  romdMode: true,
  priority: 0,
  contained: true,
  ...more,
  offset: offset(more.offset ?? 0n),
});

/** What is behind a mapping or a slot, and how it is made. */
export interface Shown {
  readonly region?: string;
  readonly owner?: string;
  readonly offset?: bigint;
  readonly hostAddress?: bigint;
  readonly readonly?: boolean;
  readonly deviceMemory?: boolean;
  readonly container?: string;
  readonly errno?: Errno;
}

/** A DMA mapping of RAM; `deviceMemory` follows from there being an owner. */
export const mapping = (at: bigint, size: bigint, shown: Shown = {}): DmaMapping => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(shown.hostAddress ?? HOST_BASE + (shown.offset ?? 0n)),
  readonly: shown.readonly ?? false,
  deviceMemory: shown.deviceMemory ?? shown.owner !== undefined,
  backing: { region: shown.region ?? 'ram', owner: shown.owner, offset: offset(shown.offset ?? 0n) },
});

export const mapEvent = (at: bigint, size: bigint, shown: Shown = {}): DmaMapEvent => ({
  type: 'dma-map',
  container: shown.container ?? 'container',
  ...mapping(at, size, shown),
  errno: shown.errno ?? 0,
});

export const unmapEvent = (
  at: bigint,
  size: bigint,
  more: { readonly container?: string; readonly unmapped?: bigint; readonly errno?: Errno } = {},
): DmaUnmapEvent => ({
  type: 'dma-unmap',
  container: more.container ?? 'container',
  iova: iova(at),
  size,
  unmapped: more.unmapped ?? size,
  errno: more.errno ?? 0,
});

export const memslot = (
  at: bigint,
  size: bigint,
  shown: Shown & { readonly slot?: number } = {},
): Memslot => ({
  slot: shown.slot ?? 0,
  gpa: gpa(at),
  size,
  hostAddress: hostAddress(shown.hostAddress ?? HOST_BASE + (shown.offset ?? 0n)),
  readonly: shown.readonly ?? false,
  logDirtyPages: false,
  backing: { region: shown.region ?? 'ram', owner: shown.owner, offset: offset(shown.offset ?? 0n) },
});

export const memslotEvent = (slot: Memslot, errno: Errno = 0): MemslotEvent => ({
  type: 'memslot',
  slot,
  errno,
});

export const mmapEvent = (
  start: bigint,
  size: bigint,
  more: Partial<Pick<MmapEvent, 'device' | 'bar' | 'errno'>> = {},
): MmapEvent => ({ type: 'mmap', device: 'dev0', bar: 0, offset: offset(start), size, errno: 0, ...more });

export const windowEvent = (
  type: WindowEvent['type'],
  start: bigint,
  size: bigint,
  more: Partial<Pick<WindowEvent, 'container' | 'deviceMemory' | 'errno'>> = {},
): WindowEvent => ({ type, container: 'container', start, size, deviceMemory: false, errno: 0, ...more });

export const registerEvent = (size: bigint, errno: Errno): RegisterMemoryEvent => ({
  type: 'register-memory',
  container: 'container',
  hostAddress: hostAddress(HOST_BASE),
  size,
  errno,
});

export const message = (text = 'a message'): VmmEvent => ({ type: 'message', text });

export const container = (mappings: readonly DmaMapping[], name = 'container'): ContainerState => ({
  name,
  mappings,
});

/** A BAR with the regions that `DEVICE BAR n` would have: wrapper, BAR and one mmap of everything. */
export const bar = (
  index: number,
  size: bigint,
  more: Partial<Omit<BarState, 'index' | 'size'>> & { readonly device?: string } = {},
): BarState => {
  const { device = 'dev0', ...rest } = more;
  const name = `${device} BAR ${index}`;
  return {
    index,
    size,
    type: 'mem32',
    address: undefined,
    layers: [
      { region: `${device} base BAR ${index}`, offset: offset(0n) },
      { region: name, offset: offset(0n) },
      { region: `${name} mmaps[0]`, offset: offset(0n) },
    ],
    ...rest,
  };
};

export const layout = (
  vectors: number,
  tableOffset: bigint,
  pbaOffset: bigint,
  [tableBar, pbaBar]: readonly [number, number] = [0, 0],
): MsixLayout => ({
  vectors,
  tableBar,
  tableOffset: offset(tableOffset),
  pbaBar,
  pbaOffset: offset(pbaOffset),
});

/** A plugged-in device; its table is emulated where `msix` has it unless `emulatedAt` says otherwise. */
export const device = (
  bars: readonly BarState[],
  msix?: MsixLayout,
  more: {
    readonly id?: string;
    readonly emulatedAt?: { readonly bar: number; readonly offset: bigint } | undefined;
    readonly pbaAt?: { readonly bar: number; readonly offset: bigint };
  } = {},
): DeviceState => {
  const at =
    'emulatedAt' in more ? more.emulatedAt : msix && { bar: msix.tableBar, offset: msix.tableOffset };
  return {
    id: more.id ?? 'dev0',
    bars,
    msix: msix && {
      layout: msix,
      enabled: false,
      functionMasked: false,
      emulatedAt: at && { bar: at.bar, offset: offset(at.offset) },
      ...(more.pbaAt && { pbaAt: { bar: more.pbaAt.bar, offset: offset(more.pbaAt.offset) } }),
    },
  };
};

/** A state; the devices' requests go to system memory unless there is a `dmaView`. */
export const state = (parts: Partial<State> = {}): State => {
  const flatView = parts.flatView ?? [];
  return { dmaView: flatView, containers: [], memslots: [], devices: [], ...parts, flatView };
};

export const node = (
  shown: TraceRegion,
  address: bigint,
  size: bigint,
  more: Partial<Pick<TraceNode, 'priority' | 'enabled' | 'children'>> & {
    readonly alias?: { readonly node: TraceNode; readonly offset: bigint };
  } = {},
): TraceNode => ({
  region: shown,
  address: offset(address),
  end: address + size,
  size,
  priority: 0,
  enabled: true,
  terminates: shown.kind !== 'container' && shown.kind !== 'alias',
  children: [],
  ...more,
  alias: more.alias && { node: more.alias.node, offset: offset(more.alias.offset) },
});

/** The smallest scenario, with the given parts in JSON form put over it. */
export const scenario = (
  parts: {
    readonly machine?: object;
    readonly host?: object;
    readonly devices?: readonly object[];
    readonly operations?: readonly object[];
  } = {},
): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: '0x10000000', ...parts.machine },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] }, ...parts.host },
    devices: parts.devices ?? [],
    operations: parts.operations ?? [],
  });

/** What happened in one step: its events, and the state after it. */
export interface Happened {
  readonly events?: readonly VmmEvent[];
  readonly state?: State;
}

/** A trace of these steps; the first one is the start. */
export const trace = (
  steps: readonly Happened[],
  more: Partial<Omit<Trace, 'steps' | 'pages'>> & { readonly pages?: Partial<Trace['pages']> } = {},
): Trace => {
  const { pages, ...rest } = more;
  let last = state();
  return {
    scenario: scenario(),
    revision: 'by hand',
    outcome: 'ok',
    error: undefined,
    abortSite: undefined,
    optsOutOfMsixEmulation: false,
    tree: undefined,
    scratch: undefined,
    teardown: undefined,
    ...rest,
    pages: { host: PAGE, guest: PAGE, iommu: PAGE, ...pages },
    steps: steps.map((step, index): Step => {
      last = step.state ?? last;
      return { operation: { op: index === 0 ? 'start' : 'reset' }, events: step.events ?? [], state: last };
    }),
  };
};

/** A trace of nothing but these events, all in the first step. */
export const traceOfEvents = (events: readonly VmmEvent[], more: Parameters<typeof trace>[1] = {}): Trace =>
  trace([{ events }], more);

/** A trace of nothing but these states. */
export const traceOfStates = (states: readonly State[], more: Parameters<typeof trace>[1] = {}): Trace =>
  trace(
    states.map((each) => ({ state: each })),
    more,
  );

/** What the invariant makes of the trace. */
export const judge = (
  invariant: Invariant,
  judged: Trace,
): {
  readonly causes: readonly string[];
  readonly exercised: number;
  readonly violations: readonly Violation[];
} => {
  const { violations, exercised } = examine(judged, invariant);
  return { causes: violations.map(({ cause }) => cause), exercised, violations };
};

export const causes = (invariant: Invariant, judged: Trace): readonly string[] =>
  judge(invariant, judged).causes;

/** A trace that says nothing about the invariant. */
export const saysNothing = (invariant: Invariant, judged: Trace): boolean => {
  const { causes: found, exercised } = judge(invariant, judged);
  return found.length === 0 && exercised === 0;
};
