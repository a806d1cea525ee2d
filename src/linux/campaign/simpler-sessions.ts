import { hex } from '../../address/index.ts';
import type { FieldValue, HostCall, ProcessAddress } from '../session/host-call.ts';
import type { HostSession, SessionDevice, SessionStep } from '../session/host-session.ts';
import { barAreas, DEFAULT_AREAS } from '../session/memory-areas.ts';
import { DEFAULT_DMA_ENTRY_LIMIT } from '../../host/index.ts';

/**
 * Sessions that are a little simpler than a session, the much simpler ones first. Each has fewer calls, a smaller device,
 * fewer settings or a smaller value, so that repeated steps come to an end.
 *
 * @param session as it was generated: without the answers and the addresses of a host
 */
export function* simplerSessions(session: HostSession): Generator<HostSession> {
  yield* fewerCalls(session);
  yield* simplerDevices(session);
  yield* usualSettings(session);
  yield* movedToStart(session);
  for (const [index, { call }] of session.steps.entries()) {
    for (const simpler of simplerCalls(call, session.pageSize)) {
      yield { ...session, steps: session.steps.with(index, { call: simpler, recorded: undefined }) };
    }
  }
}

/** Without a half of the calls, a quarter, and so on down to a single one; the last call stays. */
function* fewerCalls(session: HostSession): Generator<HostSession> {
  const { steps } = session;
  const before = steps.length - 1;
  for (let length = Math.ceil(before / 2); length > 0; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let start = 0; start < before; start += length) {
      const left: SessionStep[] = steps.filter(
        (_, index) => index < start || index >= Math.min(start + length, before),
      );
      yield { ...session, steps: left };
    }
  }
}

/** Without MSI-X, and without each of several BARs. */
function* simplerDevices(session: HostSession): Generator<HostSession> {
  const { device } = session;
  if (device.msix !== undefined) yield withDevice(session, { ...device, msix: undefined });
  if (device.bars.length > 1) {
    for (const { index } of device.bars) {
      if (device.msix?.table.bir === index || device.msix?.pba.bir === index) continue;
      yield withDevice(session, { ...device, bars: device.bars.filter((bar) => bar.index !== index) });
    }
  }
}

const withDevice = (session: HostSession, device: SessionDevice): HostSession => ({
  ...session,
  device,
  areas: [...DEFAULT_AREAS, ...barAreas(device, session.pageSize)],
});

/** With the limit of mappings and the type of virtual machine that hosts have by default. */
function* usualSettings(session: HostSession): Generator<HostSession> {
  if (session.container === 'kvm' && session.info.vmType !== 0)
    yield { ...session, info: { ...session.info, vmType: 0 } };
  const isType1 = session.container === 'type1' || session.container === 'type1v2';
  if (isType1 && session.info.dmaEntryLimit !== DEFAULT_DMA_ENTRY_LIMIT)
    yield { ...session, info: { ...session.info, dmaEntryLimit: DEFAULT_DMA_ENTRY_LIMIT } };
}

/** The fields that hold addresses of the device or of the guest. */
const ADDRESSES = ['iova', 'gpa'] as const;

/** With all addresses moved down together, so that those at a distance keep it. */
function* movedToStart(session: HostSession): Generator<HostSession> {
  const { steps } = session;
  for (const name of ADDRESSES) {
    const addressOf = ({ call }: SessionStep): bigint | undefined =>
      name in call ? (call as unknown as Record<typeof name, bigint>)[name] : undefined;
    const lowest = steps
      .map(addressOf)
      .reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a));
    if (lowest === undefined || lowest === 0n) continue;
    yield {
      ...session,
      steps: steps.map((step) => {
        const address = addressOf(step);
        return address === undefined
          ? step
          : { call: { ...step.call, [name]: address - lowest } as HostCall, recorded: undefined };
      }),
    };
  }
}

/** Calls with one field that is simpler. */
function* simplerCalls(call: HostCall, pageSize: bigint): Generator<HostCall> {
  const { argsz, ...usual } = call;
  if (argsz !== undefined) yield usual as HostCall;
  for (const [name, value] of Object.entries(call)) {
    if (name === 'call' || name === 'argsz') continue;
    for (const simpler of simplerValues(value as FieldValue, pageSize)) {
      yield { ...call, [name]: simpler } as HostCall;
    }
  }
}

function* simplerValues(value: FieldValue, pageSize: bigint): Generator<FieldValue> {
  if (typeof value === 'bigint') yield* smallerNumbers(value, pageSize);
  else if (typeof value === 'number')
    yield* cleared(BigInt(value))
      .map(Number)
      .filter((smaller) => smaller < value);
  else if (typeof value === 'object' && 'area' in value) yield* simplerPlaces(value, pageSize);
}

/** 0, one page, and the number without its lower bits. */
function* smallerNumbers(value: bigint, pageSize: bigint): Generator<bigint> {
  for (const smaller of [pageSize, ...cleared(value)]) if (smaller < value) yield smaller;
}

/** A number without its lower bits, first without all of them: 0. At last the number without its highest bit. */
const cleared = (value: bigint): readonly bigint[] => {
  const bits: bigint[] = [];
  let highest = 0n;
  for (let left = value; left !== 0n; left &= left - 1n) {
    bits.unshift(left & (left - 1n));
    highest = left;
  }
  return [...bits, value - highest];
};

function* simplerPlaces({ area, offset }: ProcessAddress, pageSize: bigint): Generator<ProcessAddress> {
  if (area !== 'ram') yield { area: 'ram', offset: 0n };
  for (const smaller of smallerNumbers(offset, pageSize)) yield { area, offset: smaller };
}

/** A session as text: equal for equal sessions. */
export const sessionKey = ({ steps, device, info }: HostSession): string =>
  JSON.stringify([steps.map(({ call }) => call), device, info], (_, value: unknown) =>
    typeof value === 'bigint' ? hex(value) : value,
  );
