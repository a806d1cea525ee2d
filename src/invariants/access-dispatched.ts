import { hex } from '../address/index.ts';
import { slotName, type Operation } from '../scenario/index.ts';
import type { State, Trace } from '../trace/index.ts';
import type { AccessEvent, AccessPart, Reached } from '../vfio/index.ts';
import { expectationOf, type Expectation } from './access-expectation.ts';
import { isShown, startOfBar } from './bar-in-system-memory.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

type BarAccess = Extract<Operation, { op: 'access-bar' }>;

/** What the guest's CPU gets when it reads or writes a BAR. */
export const accessDispatched: Invariant = {
  id: 'access-dispatched',
  clause:
    'each byte of an access to a BAR reaches what answers at its address, once and at the right offset, and the ' +
    'device sees an aligned access as one; an expansion ROM answers reads with its contents and takes no write; emulation of MSI-X ends with the table and the PBA, and carries out every access that the PCI specification allows',
  severity: 'error',
  site: 'system/physmem.c: flatview_read, flatview_write; hw/pci/msix.c: msix_table_mmio_ops',
  start(trace, examination) {
    if (trace.hidesAccesses === true) return undefined;
    return {
      // An access changes no state, and `step` is called for new states only.
      end() {
        for (const [index, step] of trace.steps.entries()) {
          if (step.operation.op === 'access-bar') judgeStep(trace, index, step.operation, examination);
        }
      },
    };
  },
};

/** Judges an access, unless the VMM has died of it: `no-abort` reports that. */
function judgeStep(trace: Trace, index: number, operation: BarAccess, examination: Examination): void {
  const { state, events } = trace.steps[index]!;
  if (trace.outcome !== 'ok' && index === trace.steps.length - 1) return;
  const device = state.devices.find(({ id }) => id === operation.device);
  const bar = device?.bars.find((candidate) => candidate.index === operation.bar);
  if (device === undefined || bar === undefined || !isShown(bar, device, state.flatView)) return;
  const start = startOfBar(bar, trace.scenario);
  if (start === undefined) return;
  examination.exercised++;
  const access = events.find((event) => event.type === 'access');
  const address = start + operation.offset;
  if (access === undefined || access.address !== address) {
    const text = (): string => `no answer to the access to ${hex(address)}, ${where(operation)}`;
    examination.violate('unanswered', text, rangeFrom(address, BigInt(operation.width)), index);
    return;
  }
  new AccessCheck(trace, index, access, examination).check();
}

const where = ({ device, bar, offset }: Pick<BarAccess, 'device' | 'bar' | 'offset'>): string =>
  `${device} ${slotName(bar)}+${hex(offset)}`;

const isAt = (
  { name, offset }: Expectation,
  reached: { readonly region: string; readonly offset: bigint },
  byte: bigint,
): boolean => name === reached.region && offset === reached.offset + byte;

/** Checks one access byte by byte. */
class AccessCheck {
  readonly #state: State;
  readonly #index: number;
  readonly #access: AccessEvent;
  readonly #examination: Examination;
  /** For each byte what it has to reach. */
  readonly #expected: readonly Expectation[];
  /**
   * Whether the access may come to nothing: PCI defines accesses to table and PBA of a whole, aligned dword or qword
   * and no others, and none that crosses the end of a BAR.
   */
  readonly #isUndefined: boolean;

  constructor(trace: Trace, index: number, access: AccessEvent, examination: Examination) {
    const { address, width, offset, write } = access;
    this.#state = trace.steps[index]!.state;
    this.#index = index;
    this.#access = access;
    this.#examination = examination;
    const expected: Expectation[] = [];
    for (let byte = 0; byte < width; byte++)
      expected.push(expectationOf(address + BigInt(byte), write, this.#state, trace));
    this.#expected = expected;
    const isAligned = offset % BigInt(width) === 0n;
    const touches = this.#expected.some(({ structure }) => structure !== undefined);
    const crosses = this.#expected.some(
      ({ mayBeNothing, structure }) => mayBeNothing && structure === undefined,
    );
    this.#isUndefined = (touches && (width < 4 || !isAligned)) || (crosses && !isAligned);
  }

  check(): void {
    const { address, width, parts } = this.#access;
    let next = address;
    const follow = parts.every((part) => {
      const isNext = part.address === next && part.size > 0;
      next += BigInt(part.size);
      return isNext;
    });
    if (!follow || next !== address + BigInt(width)) {
      this.#violate('bytes-lost', () => `its parts are ${parts.map(partText).join(', ') || 'none'}`);
      return;
    }
    for (const part of parts) this.#checkPart(part);
    if (parts.length > 1 && this.#isOneAccessOfDevice())
      this.#violate(
        'split',
        () => `the device sees ${parts.length} accesses: ${parts.map(partText).join(', ')}`,
      );
  }

  /** Whether the access is aligned, and all of its bytes lie one after the other in registers or memory of a device. */
  #isOneAccessOfDevice(): boolean {
    const { width, offset } = this.#access;
    const first = this.#expected[0]!;
    if (offset % BigInt(width) !== 0n || first.owner === undefined) return false;
    return this.#expected.every(
      ({ kind, name, offset: at, mayBeNothing }, byte) =>
        (kind === 'device' || kind === 'memory') &&
        kind === first.kind &&
        name === first.name &&
        at === first.offset + BigInt(byte) &&
        !mayBeNothing,
    );
  }

  #checkPart({ address, size, reached }: AccessPart): void {
    const { address: first } = this.#access;
    for (let byte = 0; byte < size; byte++) {
      const expected = this.#expected[Number(address - first) + byte]!;
      const cause = this.#causeOf(expected, reached, BigInt(byte));
      if (cause === undefined) continue;
      const at = hex(address + BigInt(byte));
      this.#violate(
        cause,
        () => `the byte at ${at} reaches ${reachedText(reached, byte)}, not ${expectedText(expected)}`,
      );
      return;
    }
    if (reached.kind === 'msix-pba') this.#checkPolled(size, reached);
  }

  /** Why a byte has not reached what it should; `undefined` if it has. */
  #causeOf(expected: Expectation, reached: Reached, byte: bigint): string | undefined {
    const { structure, mirror, kind } = expected;
    if (kind === 'rom' || kind === 'no-rom') return this.#causeInRom(expected, reached, byte);
    // A memory BAR may reach over the ports of virt. What answers at ports is not judged.
    if (kind === 'ports') return undefined;
    // The guest then sees the registers of the real configuration space, with addresses of the host.
    const reachesCard =
      (reached.kind === 'memory' && reached.owner === expected.owner) ||
      (reached.kind === 'device' && reached.device === expected.owner);
    if (mirror !== undefined && reachesCard)
      return mirror === 'missing' ? 'mirror-missing' : 'mirror-passes-through';
    switch (reached.kind) {
      case 'nothing':
        if (this.#isUndefined || expected.mayBeNothing) return undefined;
        return structure === undefined ? 'refused' : `${structure}-refuses-legal-access`;
      case 'config-space': {
        if (mirror === undefined || expected.owner !== reached.device) return 'mirror-over-registers';
        return expected.offset === reached.offset + byte ? undefined : 'mirror-wrong-offset';
      }
      case 'registers':
        return expected.kind === 'registers' && isAt(expected, reached, byte) ? undefined : 'wrong-registers';
      case 'memory': {
        if (expected.kind !== 'memory') return 'memory-where-trapped';
        const isSame = expected.owner === reached.owner && isAt(expected, reached, byte);
        return isSame ? undefined : 'wrong-memory';
      }
      case 'device': {
        const { deviceBytes: own, owner } = expected;
        const isSame = own !== undefined && own.bar === reached.bar && owner === reached.device;
        if (!isSame || own.offset !== reached.offset + byte) return 'device-wrong-place';
        // The kernel itself keeps undefined accesses away from the device's own table.
        const mayReach = expected.kind === 'device' || this.#isUndefined || expected.mayReachDevice;
        return mayReach ? undefined : 'device-reached';
      }
      case 'msix-table':
      case 'msix-pba': {
        const name = reached.kind === 'msix-table' ? 'table' : 'pba';
        if (structure !== name || expected.owner !== reached.device) return `${name}-beyond-its-end`;
        return expected.offset === reached.offset + byte ? undefined : `${name}-wrong-offset`;
      }
    }
  }

  /** Why a byte of the expansion ROM has not reached what it should. */
  #causeInRom({ kind, deviceBytes, owner }: Expectation, reached: Reached, byte: bigint): string | undefined {
    if (reached.kind === 'nothing') return kind === 'rom' ? 'rom-unreadable' : undefined;
    if (reached.kind === 'memory') return 'memory-where-trapped';
    const isSame = reached.kind === 'device' && reached.device === owner && reached.bar === deviceBytes!.bar;
    if (!isSame || reached.offset + byte !== deviceBytes!.offset) return 'device-wrong-place';
    if (kind === 'rom') return undefined;
    return this.#access.write ? 'rom-written' : 'rom-read-beyond-its-end';
  }

  /** A read of pending bits asks for the vectors that have these bits, of those that the device has. */
  #checkPolled(size: number, { device, offset, polled }: Extract<Reached, { kind: 'msix-pba' }>): void {
    if (polled === undefined) return;
    const vectors = this.#state.devices.find(({ id }) => id === device)?.msix?.layout.vectors ?? 0;
    const first = Math.min(Number(offset) * 8, vectors);
    const end = Math.min((Number(offset) + size) * 8, vectors);
    const isEnough = polled.end >= end && polled.first <= first;
    if (isEnough || first === end) return;
    this.#violate(
      'pba-polls-too-few-vectors',
      () =>
        `the VMM asks for the pending bits of vectors ${polled.first} to ${polled.end - 1}, not of ${first} to ${end - 1}`,
    );
  }

  #violate(cause: string, what: () => string): void {
    const { address, width, write } = this.#access;
    const text = (): string =>
      `a ${write ? 'write' : 'read'} of ${spanOf(address, BigInt(width))} (${where(this.#access)}): ${what()}`;
    this.#examination.violate(cause, text, rangeFrom(address, BigInt(width)), this.#index);
  }
}

const partText = ({ address, size }: AccessPart): string => spanOf(address, BigInt(size));

function reachedText(reached: Reached, byte: number): string {
  const at = (start: bigint): string => `+${hex(start + BigInt(byte))}`;
  switch (reached.kind) {
    case 'nothing':
      return 'nothing';
    case 'memory':
    case 'registers':
      return `"${reached.region}"${at(reached.offset)}`;
    case 'device':
      return `${reached.device} ${slotName(reached.bar)}${at(reached.offset)}`;
    case 'config-space':
      return `the configuration space of ${reached.device}${at(reached.offset)}`;
    case 'msix-table':
      return `the MSI-X table of ${reached.device}${at(reached.offset)}`;
    case 'msix-pba':
      return `the PBA of ${reached.device}${at(reached.offset)}`;
  }
}

function expectedText({ kind, name, offset, structure, owner }: Expectation): string {
  if (kind === 'nothing' || kind === 'no-rom') return 'nothing';
  if (kind === 'config-space') return `the configuration space of ${owner}+${hex(offset)}`;
  const structureName = structure === 'table' ? 'the MSI-X table' : 'the PBA';
  return `${structure === undefined ? `"${name}"` : `${structureName} of ${owner}`}+${hex(offset)}`;
}
