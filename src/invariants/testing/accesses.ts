import { offset } from '../../address/index.ts';
import type { Operation } from '../../scenario/index.ts';
import type { DeviceState, Trace, TraceRange, TraceRegion } from '../../trace/index.ts';
import type { AccessEvent, AccessPart, Reached, VmmEvent } from '../../vfio/index.ts';
import { bar, device, layout } from './devices.ts';
import { flat, region } from './regions.ts';
import { scenario, state, trace } from './traces.ts';

/** Where BAR 0 begins: in the window of pseries that shows BARs at their bus addresses. */
export const BAR_0 = 0x2100_0000_0000n;

/** The regions of BAR 0 of 64 KiB. */
export const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
export const TABLE = region('msix-table', 'io', 'dev0');
export const PBA = region('VFIO MSIX PBA', 'io', 'dev0');
export const TRAPPED = region('dev0 BAR 0', 'io', 'dev0');

/** An mmap, four entries at 0x8000, mmap again, a PBA at 0x9000, mmap again, and trapped registers from 0xc000 on. */
const VIEW = [
  flat(BAR_0, 0x8000n, MMAP),
  flat(BAR_0 + 0x8000n, 0x40n, TABLE),
  flat(BAR_0 + 0x8040n, 0xfc0n, MMAP, { offset: 0x8040n }),
  flat(BAR_0 + 0x9000n, 0x8n, PBA),
  flat(BAR_0 + 0x9008n, 0x2ff8n, MMAP, { offset: 0x9008n }),
  flat(BAR_0 + 0xc000n, 0x4000n, TRAPPED, { offset: 0xc000n }),
];
export const MSIX = { vectors: 4, tableBar: 0, tableOffset: '0x8000', pbaBar: 0, pbaOffset: '0x9000' };
export const WITH_MSIX = device([bar(0, 0x1_0000n, { address: BAR_0 })], layout(4, 0x8000n, 0x9000n));

/** An access of the guest to a BAR, and what surrounds it. */
export interface Access {
  /** Offset in the BAR. */
  readonly at: bigint;
  readonly width: 1 | 2 | 4 | 8;
  readonly write?: boolean;
  /** Index of the BAR, 0 by default, and where it begins. */
  readonly bar?: readonly [index: number, start: bigint];
  readonly device?: string;
  /** What the access reaches; `undefined` for no answer. */
  readonly parts: readonly AccessPart[] | undefined;
  /** By default the answer alone. */
  readonly events?: readonly VmmEvent[];
  readonly flatView?: readonly TraceRange[];
  readonly devices?: readonly DeviceState[];
  /** The devices of the scenario in JSON form. By default dev0 with the BAR of 64 KiB. */
  readonly specs?: readonly object[];
  readonly machine?: object;
}

/** The trace of one access in step 1. */
export function accessTrace({ at, width, write = false, parts, ...more }: Access): Trace {
  const [index, start] = more.bar ?? [0, BAR_0];
  const id = more.device ?? 'dev0';
  const operation: Operation = { op: 'access-bar', device: id, bar: index, offset: offset(at), width, write };
  const answer: AccessEvent | undefined = parts && {
    ...{ type: 'access', device: id, bar: index, offset: offset(at), width, write },
    address: start + at,
    parts,
  };
  const bars = [{ index: 0, size: '0x10000', type: 'mem64' }];
  const shown = state({ flatView: more.flatView ?? VIEW, devices: more.devices ?? [WITH_MSIX] });
  const made = trace([{ state: shown }, { events: more.events ?? (answer === undefined ? [] : [answer]) }], {
    scenario: scenario({
      machine: more.machine ?? {},
      devices: more.specs ?? [{ id: 'dev0', bars, msix: MSIX }],
    }),
  });
  return { ...made, steps: made.steps.map((step, number) => (number === 1 ? { ...step, operation } : step)) };
}

/** A part of an access, at an offset of BAR 0. */
export const part = (at: bigint, size: number, reached: Reached): AccessPart => ({
  address: BAR_0 + at,
  size,
  reached,
});

/** What a part of an access reaches, each at an offset. */
export const reaches = {
  nothing: { kind: 'nothing' } as Reached,
  memory: (at: bigint, { name, owner }: TraceRegion = MMAP): Reached => ({
    ...{ kind: 'memory', region: name, owner },
    offset: offset(at),
  }),
  registers: (at: bigint, name: string): Reached => ({ kind: 'registers', region: name, offset: offset(at) }),
  device: (at: bigint, index = 0, id = 'dev0'): Reached => ({
    ...{ kind: 'device', device: id, bar: index },
    offset: offset(at),
  }),
  config: (at: bigint, id = 'dev0'): Reached => ({ kind: 'config-space', device: id, offset: offset(at) }),
  table: (at: bigint, id = 'dev0'): Reached => ({ kind: 'msix-table', device: id, offset: offset(at) }),
  /** @param polled the vectors from the first to one past the last whose pending bits the VMM asks for. */
  pba: (at: bigint, polled?: readonly [first: number, end: number], id = 'dev0'): Reached => ({
    ...{ kind: 'msix-pba', device: id, offset: offset(at) },
    ...(polled && { polled: { first: polled[0], end: polled[1] } }),
  }),
};
