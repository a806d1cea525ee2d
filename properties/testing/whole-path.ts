import { alignDown, alignUp, joinRanges, type Range } from '../../src/address/index.ts';
import { barRegister, PciCommand, PciRegister } from '../../src/pci-layout/index.ts';
import { command } from '../../src/linux/agent/commands.ts';
import type { LinuxMachine } from '../../src/linux/boot/linux-machine.ts';
import { plugAndBind } from '../../src/linux/kernel/plugged-device.ts';
import type { PackedQemu } from '../../src/linux/inside/qemu-files.ts';
import { QemuInside } from '../../src/linux/inside/qemu-inside.ts';
import { QemuLog, rangeWord, type LoggedSlot } from '../../src/linux/inside/qemu-log.ts';
import { SeenByHardware } from '../../src/linux/inside/seen-by-hardware.ts';
import { decodeSession } from '../../src/linux/session/decode-session.ts';
import { requireRevision, runOnModel, type AnyRevision } from '../../src/model/index.ts';
import { portAccess, runCycles, type ConfigCycle } from '../../src/qemu/guest/config-access.ts';
import type { DeviceSpec, Operation, Scenario } from '../../src/scenario/index.ts';
import type { State } from '../../src/trace/index.ts';

/**
 * The host after an operation, in words that a file holds. Slots have no numbers here: QEMU takes the lowest free one, and
 * the model the one that was freed last.
 */
export interface ObservedStep {
  readonly operation: string;
  /** The addresses that the device can reach. */
  readonly hardware: readonly string[];
  /** The memory slots: the range of each, `ro` if read-only. */
  readonly memslots: readonly string[];
}

/** What came of a scenario. */
export interface Observed {
  readonly steps: readonly ObservedStep[];
  /** The range of the first DMA request that the host refused: QEMU warns of one alone. */
  readonly refused: string | undefined;
}

/** The page of messages of interrupts, which the IOMMU's driver maps by itself. */
const isMessages = ({ start, end }: Range): boolean => start >= 0xfee0_0000n && end <= 0xfef0_0000n;

const words = (ranges: readonly Range[]): readonly string[] =>
  ranges.filter((range) => !isMessages(range)).map(({ start, end }) => rangeWord(start, end - start));

/** A page of the host, in bytes. */
const PAGE = 0x1000n;
/** Where the guest sees the device. */
const SLOT = 4;
/** In milliseconds: the longest time after which a mapping has come to the device. */
const SETTLE = 10_000;

/** Runs a scenario of q35 with one device on a QEMU in a real kernel, whose device is served by barproof. */
export async function runInside(
  machine: LinuxMachine,
  packed: PackedQemu,
  scenario: Scenario,
): Promise<Observed> {
  const [device] = scenario.devices;
  const hardware = new SeenByHardware();
  const { bdf } = await plugAndBind(machine, sessionDevice(device!), hardware);
  const ram = `${scenario.machine.ram / 0x10_0000n}M`;
  const qemu = await QemuInside.start({
    machine,
    packed,
    arguments: [
      ...['-machine', 'q35', '-cpu', 'host', '-m', ram],
      ...['-device', `vfio-pci,host=${bdf},bus=pcie.0,addr=${SLOT}`],
    ],
  });
  try {
    const steps: ObservedStep[] = [];
    for (const operation of [{ op: 'start' } as const, ...scenario.operations]) {
      if (operation.op !== 'start') await runCycles(qemu.qtest, cyclesOf(operation, device!));
      await qemu.qmp.execute('query-status');
      const { slots } = new QemuLog(await qemu.log());
      await settled(() => words(hardware.ranges).join());
      steps.push({
        operation: operation.op,
        hardware: words(hardware.ranges),
        memslots: slots.map(slotWord),
      });
    }
    return { steps, refused: (await qemu.output()).flatMap(refusedIn)[0] };
  } finally {
    await machine.call([command.endCase()]);
  }
}

/** The same of the model, by default at the revision of the scenario. */
export function runOnTheModel(
  scenario: Scenario,
  revision: AnyRevision = requireRevision(scenario.revision, 'revision'),
): Observed {
  const trace = runOnModel(scenario, revision);
  const events = trace.steps.flatMap((step) => step.events);
  const pba = new PbaPages(scenario.devices[0]!);
  return {
    steps: trace.steps.map(({ operation, state }) => ({
      operation: operation.op,
      hardware: words(pba.without(operation, reachable(state))),
      memslots: state.memslots.map(slotWord),
    })),
    refused: events.flatMap((event) =>
      event.type === 'dma-map' && event.errno !== 0 ? [rangeWord(event.iova, event.size)] : [],
    )[0],
  };
}

const slotWord = ({ gpa, size, readonly }: Pick<LoggedSlot, 'gpa' | 'size' | 'readonly'>): string =>
  `${rangeWord(gpa, size)}${readonly ? ' ro' : ''}`;

/** The range of a DMA request in QEMU's message about the host's refusal. */
const refusedIn = (line: string): readonly string[] => {
  const [, start, size] =
    /container_dma_map\(0x[0-9a-f]+, (0x[0-9a-f]+), (0x[0-9a-f]+), .*\) = -\d+/.exec(line) ?? [];
  return start === undefined || size === undefined ? [] : [rangeWord(BigInt(start), BigInt(size))];
};

/**
 * The pages of the PBA. The outer QEMU emulates the PBA of the device that it gives to the kernel, so that these pages of
 * the BAR are no memory that its IOMMU could map.
 */
class PbaPages {
  readonly #device: DeviceSpec;
  #bar: bigint | undefined;

  constructor(device: DeviceSpec) {
    this.#device = device;
  }

  /** The ranges without these pages, after an operation. */
  without(
    operation: Operation | { readonly op: 'start' | 'stop' },
    ranges: readonly Range[],
  ): readonly Range[] {
    const { msix } = this.#device;
    if (msix === undefined) return ranges;
    if (operation.op === 'set-bar' && operation.bar === msix.pbaBar) this.#bar = operation.address;
    if (this.#bar === undefined) return ranges;
    const bytes = BigInt(Math.ceil(msix.vectors / 64) * 8);
    const start = alignDown(this.#bar + msix.pbaOffset, PAGE);
    const seen = new SeenByHardware(ranges);
    seen.unmap(start, alignUp(this.#bar + msix.pbaOffset + bytes, PAGE) - start);
    return seen.ranges;
  }
}

/** All addresses of the mappings of a state, in as few ranges as possible. */
const reachable = ({ containers }: State): readonly Range[] =>
  joinRanges(
    containers.flatMap(({ mappings }) =>
      mappings.map(({ iova, size }) => ({ start: iova, end: iova + size })),
    ),
  );

/** The device of a scenario as the one that barproof serves to the outer QEMU. */
const sessionDevice = (device: DeviceSpec) =>
  decodeSession({
    container: 'region',
    calls: [],
    info: {
      device: {
        bars: device.bars.map(({ index, size, type }) => ({
          ...{
            index,
            size: `0x${size.toString(16)}`,
            type: type.replace(/p$/, ''),
            prefetch: type.endsWith('p'),
          },
        })),
        ...(device.msix && {
          msix: {
            vectors: device.msix.vectors,
            table: { bir: device.msix.tableBar, offset: Number(device.msix.tableOffset) },
            pba: { bir: device.msix.pbaBar, offset: Number(device.msix.pbaOffset) },
          },
        }),
      },
    },
  }).device;

function cyclesOf(operation: Operation, { bars }: DeviceSpec): readonly ConfigCycle[] {
  const write = (register: number, width: 2 | 4, value: number): ConfigCycle =>
    portAccess.write({ bus: 0, slot: SLOT, register }, width, value);
  switch (operation.op) {
    case 'set-bar': {
      const register = barRegister(operation.bar);
      const low = write(register, 4, Number(BigInt.asUintN(32, operation.address)));
      const isWide = bars.find(({ index }) => index === operation.bar)!.type.startsWith('mem64');
      return isWide ? [low, write(register + 4, 4, Number(operation.address >> 32n))] : [low];
    }
    case 'enable-memory':
    case 'disable-memory':
      return [write(PciRegister.COMMAND, 2, operation.op === 'enable-memory' ? PciCommand.MEMORY : 0)];
    default:
      throw new RangeError(`the whole path has no operation ${operation.op}`);
  }
}

/** Waits until a text stays the same for a while. */
async function settled(text: () => string): Promise<void> {
  const end = Date.now() + SETTLE;
  for (let before = ''; Date.now() < end && text() !== before;) {
    before = text();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
