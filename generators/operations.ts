import type { DeviceSpec, MachineSpec, Operation, OverlayKind } from '../src/scenario/index.ts';
import { chooseAccesses } from './accesses.ts';
import type { Choose } from './choose.ts';
import { Placement } from './placement.ts';
import { choosePowerStates, chooseResizedBar } from './idle-and-resized.ts';
import { RAM_START } from './ram-start.ts';
import { chooseMask, chooseMsixSwitch } from './msix-operations.ts';

const MOST_LATER_OPERATIONS = 7;
const MOST_CYCLES = 6;
/** What guests write to size a BAR besides all ones: without the type bits, or without bits that no BAR has. */
export const PROBES = [0xffff_fff0n, 0xffff_f000n, 0xffff_0000n] as const;

/**
 * A valid sequence of operations on the devices of a machine. Firmware places and enables the devices; then
 * the guest moves, sizes and switches BARs, and the user plugs, unplugs and resets.
 *
 * @param overlays whether to add regions on top of system memory, and to make changes in transactions.
 */
export function chooseOperations(
  choose: Choose,
  machine: MachineSpec,
  devices: readonly DeviceSpec[],
  overlays = true,
): readonly Operation[] {
  return new Program(choose, machine, devices, overlays).write();
}

class Program {
  readonly #choose: Choose;
  readonly #machine: MachineSpec;
  readonly #placement: Placement;
  readonly #overlaysAllowed: boolean;
  readonly #plugged: DeviceSpec[] = [];
  readonly #unplugged: DeviceSpec[] = [];
  readonly #overlays: string[] = [];
  readonly #operations: Operation[] = [];
  #overlayCount = 0;

  constructor(choose: Choose, machine: MachineSpec, devices: readonly DeviceSpec[], overlays: boolean) {
    this.#overlaysAllowed = overlays;
    this.#choose = choose;
    this.#machine = machine;
    this.#placement = new Placement(machine.type, machine.hostPageSize, machine.cpu?.physBits);
    for (const device of devices) (choose.chance(85) ? this.#plugged : this.#unplugged).push(device);
  }

  write(): readonly Operation[] {
    const choose = this.#choose;
    // A guest may leave the BARs where a VMM puts them.
    if (choose.chance(4)) {
      this.#cycle();
      return this.#operations;
    }
    for (const device of this.#plugged) this.#configure(device);
    const later = choose.chance(45) ? 0 : choose.integer(1, MOST_LATER_OPERATIONS);
    for (let count = 0; count < later; count++) this.#something();
    // `#hotplug` also programs the BARs of the device that it plugs in.
    if (this.#unplugged.length > 0 && choose.chance(80)) this.#hotplug();
    // A device without a hotplug or unplug would be in the machine from the start, so it gets a hotplug.
    for (const device of [...this.#unplugged]) {
      const known = this.#operations.some(
        (operation) => operation.op === 'unplug' && operation.device === device.id,
      );
      if (!known) this.#hotplug(device);
    }
    if (this.#overlaysAllowed) {
      this.#operations.push(
        ...chooseResizedBar(choose, this.#plugged),
        ...choosePowerStates(choose, this.#plugged),
      );
    }
    this.#operations.push(...chooseAccesses(choose, this.#plugged, this.#machine.hostPageSize));
    return this.#operations;
  }

  /** The user plugs devices in and out, and resets the machine, while the guest programs no BAR. */
  #cycle(): void {
    const choose = this.#choose;
    const plug = (device: DeviceSpec): void => {
      this.#operations.push({ op: 'hotplug', device: device.id });
      this.#unplugged.splice(this.#unplugged.indexOf(device), 1);
      this.#plugged.push(device);
    };
    for (const { id } of this.#plugged) this.#operations.push({ op: 'enable-memory', device: id });
    for (let count = choose.integer(2, MOST_CYCLES); count > 0; count--) {
      const next = this.#unplugged[0];
      if (next !== undefined && choose.chance(60)) plug(next);
      else if (choose.chance(80)) this.#unplug();
      else this.#operations.push({ op: 'reset' });
    }
    for (const device of [...this.#unplugged]) plug(device);
  }

  /** Firmware programs the BARs and enables memory; in one case of ten it enables memory first. */
  #configure(device: DeviceSpec): void {
    const choose = this.#choose;
    const id = device.id;
    const early = choose.chance(10);
    if (early) this.#operations.push({ op: 'enable-memory', device: id });
    for (const bar of device.bars) {
      if (choose.chance(4)) continue;
      const address = this.#placement.next(choose, bar);
      this.#operations.push({ op: 'set-bar', device: id, bar: bar.index, address });
    }
    if (!early && choose.chance(95)) this.#operations.push({ op: 'enable-memory', device: id });
    if (device.msix !== undefined && choose.chance(30))
      this.#operations.push({ op: 'enable-msix', device: id });
  }

  #something(): void {
    const choose = this.#choose;
    choose.weighted<() => void>(
      [30, () => this.#moveBar()],
      [10, () => this.#sizeBar()],
      [8, () => this.#switchMemory('disable-memory')],
      [10, () => this.#switchMemory('enable-memory')],
      [3, () => this.#switchMsix()],
      [2, () => this.#maskVector()],
      [4, () => this.#unplug()],
      [4, () => this.#hotplug()],
      [4, () => this.#operations.push({ op: 'reset' })],
      ...(this.#overlaysAllowed ? this.#memoryChanges : []),
    )();
  }

  readonly #memoryChanges: readonly [weight: number, change: () => void][] = [
    [10, () => this.#addOverlay()],
    [5, () => this.#showRamAgain()],
    [4, () => this.#removeOverlay()],
    [3, () => this.#batch()],
  ];

  #device(): DeviceSpec | undefined {
    return this.#plugged.length === 0 ? undefined : this.#choose.among(this.#plugged);
  }

  #moveBar(): void {
    const device = this.#device();
    if (device === undefined || device.bars.length === 0) return;
    const choose = this.#choose;
    const bar = choose.among(device.bars);
    const quiet = choose.chance(40);
    if (quiet) this.#operations.push({ op: 'disable-memory', device: device.id });
    const address = choose.chance(25)
      ? this.#placement.next(choose, bar)
      : this.#placement.anywhere(choose, bar);
    this.#operations.push({ op: 'set-bar', device: device.id, bar: bar.index, address });
    if (quiet) this.#operations.push({ op: 'enable-memory', device: device.id });
  }

  #sizeBar(): void {
    const device = this.#device();
    if (device === undefined || device.bars.length === 0) return;
    const choose = this.#choose;
    const { index } = choose.among(device.bars);
    const probe = choose.chance(25) ? { probe: choose.among(PROBES) } : {};
    this.#operations.push({ op: 'size-bar', device: device.id, bar: index, ...probe });
  }

  #switchMemory(op: 'enable-memory' | 'disable-memory'): void {
    const device = this.#device();
    if (device !== undefined) this.#operations.push({ op, device: device.id });
  }

  #switchMsix(): void {
    const device = this.#device();
    if (device === undefined) return;
    this.#operations.push(chooseMsixSwitch(this.#choose, device));
  }

  #maskVector(): void {
    const device = this.#device();
    if (device?.msix === undefined) return;
    this.#operations.push(chooseMask(this.#choose, device, device.msix));
  }

  #unplug(): void {
    const device = this.#device();
    if (device === undefined) return;
    this.#operations.push({ op: 'unplug', device: device.id });
    this.#plugged.splice(this.#plugged.indexOf(device), 1);
    this.#unplugged.push(device);
  }

  #hotplug(device: DeviceSpec | undefined = this.#unplugged[0]): void {
    if (device === undefined) return;
    this.#operations.push({ op: 'hotplug', device: device.id });
    this.#unplugged.splice(this.#unplugged.indexOf(device), 1);
    this.#plugged.push(device);
    this.#configure(device);
  }

  /** RAM, ROM or registers on top of system memory: shadowed firmware, a hot-plugged DIMM, a TPM's buffer. */
  #addOverlay(): void {
    const choose = this.#choose;
    const { hostPageSize, ram } = this.#machine;
    const kind = choose.weighted<OverlayKind>(
      [40, 'ram'],
      [20, 'rom'],
      [30, 'io'],
      [7, 'rom-device'],
      [3, 'protected-ram'],
    );
    // The RAM of a TPM's buffer begins 128 bytes into its page, behind the registers (hw/tpm/tpm_crb.c).
    const registers = choose.chance(10) ? 0x80n : 0n;
    const size = choose.weighted<() => bigint>(
      [4, () => hostPageSize * choose.bigint(1n, 32n) - registers],
      [2, () => 0x1000n * choose.bigint(1n, 40n) - registers],
      [1, () => 0x80n * choose.bigint(2n, 64n) - registers],
    )();
    const page = choose.chance(75) ? hostPageSize : choose.chance(70) ? 0x1000n : 0x80n;
    const address = choose.weighted<() => bigint>(
      // Inside RAM, at a fixed place where PCs have BARs, over a BAR, behind RAM.
      [4, () => page * choose.bigint(16n, (ram - 1n) / page)],
      [3, () => 0xd000_0000n + page * choose.bigint(0n, 64n)],
      [2, () => this.#someBarAddress() + page * choose.bigint(0n, 4n)],
      [1, () => ram + page * choose.bigint(0n, 16n)],
    )();
    const name = `overlay${this.#overlayCount++}`;
    this.#operations.push({
      op: 'add-region',
      name,
      kind,
      address: address + registers,
      size,
      priority: choose.among([0, 0, 1, 2, -2]),
    });
    this.#overlays.push(name);
    if (kind === 'rom-device' && choose.chance(60)) this.#operations.push({ op: 'show-registers', name });
    if (kind === 'rom-device' && choose.chance(30)) this.#operations.push({ op: 'show-contents', name });
  }

  /** RAM again, amid RAM that differs from it in one attribute alone: neighbours that the memory core must not merge. */
  #showRamAgain(): void {
    const choose = this.#choose;
    const { hostPageSize: page, ram } = this.#machine;
    const ramStart = RAM_START[this.#machine.type];
    const size = page * choose.bigint(1n, 4n);
    const address = ramStart + page * choose.bigint(16n, ram / page - 1n);
    let next = address;
    // Two of them lie side by side, or the second replaces the first and differs in its attributes alone.
    for (let count = choose.weighted([1, 1], [1, 2]); count > 0; count--) {
      const name = `overlay${this.#overlayCount++}`;
      const kind = choose.weighted<OverlayKind>(
        [4, 'readonly-ram'],
        // On POWER the kernel registers no RAM at two places.
        [2, this.#machine.type === 'pseries' ? 'readonly-ram' : 'shifted-ram'],
        [1, 'nonvolatile-ram'],
        [1, 'unmergeable-ram'],
      );
      this.#operations.push({ op: 'add-region', name, kind, address: next, size, priority: 1 });
      this.#overlays.push(name);
      if (choose.chance(60)) next += size;
    }
  }

  #someBarAddress(): bigint {
    const placed = this.#operations.filter((operation) => operation.op === 'set-bar');
    return placed.length === 0 ? 0x1000_0000n : BigInt.asUintN(62, this.#choose.among(placed).address);
  }

  #removeOverlay(): void {
    const name = this.#overlays.shift();
    if (name !== undefined) this.#operations.push({ op: 'remove-region', name });
  }

  /** One to three changes in one transaction: the flat view is updated once, at `commit`. */
  #batch(): void {
    this.#operations.push({ op: 'begin' });
    for (let count = this.#choose.integer(1, 3); count > 0; count--) {
      if (this.#choose.chance(60)) this.#moveBar();
      else this.#addOverlay();
    }
    this.#operations.push({ op: 'commit' });
  }
}
