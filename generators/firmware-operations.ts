import type { DeviceSpec, Operation, Scenario } from '../src/scenario/index.ts';
import { chooseAccesses } from './accesses.ts';
import type { Choose } from './choose.ts';
import { chooseStyle, FirmwareLayout } from './firmware-layout.ts';
import { choosePowerStates, chooseResizedBar } from './idle-and-resized.ts';
import { chooseMask, chooseMsixSwitch } from './msix-operations.ts';

const MOST_LATER_OPERATIONS = 5;
/** In how many of a hundred scenarios of a PC the operations show the shadow that firmware makes in the BIOS area. */
const SHADOW_SHARE = 12;

/**
 * Operations as a real machine shows them. Firmware places the BARs and the operating system enables the devices; then
 * drivers move, size and switch BARs while memory is disabled, and the user plugs, unplugs and resets.
 *
 * @param powerStates whether drivers put devices to sleep.
 */
export const chooseFirmwareOperations = (
  choose: Choose,
  scenario: Omit<Scenario, 'operations'>,
  powerStates: boolean,
): readonly Operation[] => new FirmwareProgram(choose, scenario, powerStates).write();

class FirmwareProgram {
  readonly #choose: Choose;
  readonly #layout: FirmwareLayout;
  readonly #plugged: DeviceSpec[] = [];
  readonly #unplugged: DeviceSpec[] = [];
  readonly #enabled = new Set<DeviceSpec>();
  readonly #operations: Operation[] = [];
  readonly #shadows: string[] = [];
  readonly #page: bigint;
  readonly #powerStates: boolean;
  /** Whether the machine has PAM registers. */
  readonly #hasShadow: boolean;
  #nextPort = 0x1000n;

  constructor(choose: Choose, scenario: Omit<Scenario, 'operations'>, powerStates: boolean) {
    this.#choose = choose;
    this.#powerStates = powerStates;
    this.#page = scenario.machine.hostPageSize;
    this.#hasShadow = ['pc', 'q35'].includes(scenario.machine.type);
    for (const device of scenario.devices) (choose.chance(85) ? this.#plugged : this.#unplugged).push(device);
    const later = new Set(this.#unplugged.map(({ id }) => id));
    this.#layout = new FirmwareLayout(chooseStyle(choose), scenario, scenario.devices, later);
  }

  write(): readonly Operation[] {
    const choose = this.#choose;
    if (this.#powerStates && this.#hasShadow && choose.chance(SHADOW_SHARE)) this.#shadow();
    for (const device of this.#plugged) this.#boot(device);
    const arriving = [...this.#unplugged];
    const later = choose.chance(50) ? 0 : choose.integer(1, MOST_LATER_OPERATIONS);
    for (let count = 0; count < later; count++) this.#something();
    // A device that never arrives would count as one that is there from the start.
    for (const device of arriving) {
      const isKnown = this.#operations.some(
        (operation) => operation.op === 'hotplug' && operation.device === device.id,
      );
      if (!isKnown) this.#hotplug(device);
    }
    if (this.#powerStates) {
      this.#operations.push(
        ...chooseResizedBar(choose, [...this.#enabled]),
        ...choosePowerStates(choose, [...this.#enabled]),
      );
    }
    this.#operations.push(...chooseAccesses(choose, [...this.#enabled], this.#page, true));
    return this.#operations;
  }

  /** Firmware makes its copy in RAM read-only: the last 64 KiB below 1 MiB, and stretches with option ROMs. */
  #shadow(): void {
    const choose = this.#choose;
    const stretches = choose.chance(50) ? [] : [0xc_0000n + 0x4000n * choose.bigint(0n, 11n)];
    for (const address of [...stretches, 0xf_0000n]) {
      const name = `shadow-${address.toString(16)}`;
      const size = address === 0xf_0000n ? 0x1_0000n : 0x4000n;
      this.#operations.push({ op: 'add-region', name, kind: 'readonly-ram', address, size, priority: 1 });
      this.#shadows.push(name);
    }
  }

  /** Firmware gives every BAR its address; memory stays disabled where a BAR found no room. */
  #boot(device: DeviceSpec): void {
    const { id, bars, msix } = device;
    const choose = this.#choose;
    let fits = true;
    for (const { index, type, size } of bars) {
      const address = type === 'io' ? this.#port(size) : this.#layout.addressOf(id, index);
      if (address === undefined) fits = false;
      else this.#operations.push({ op: 'set-bar', device: id, bar: index, address });
    }
    if (!fits || choose.chance(3)) return;
    this.#enable(device);
    if (msix !== undefined && choose.chance(40)) this.#operations.push({ op: 'enable-msix', device: id });
  }

  #port(size: bigint): bigint {
    const unit = size > 0x100n ? size : 0x100n;
    const port = this.#nextPort;
    this.#nextPort = port + unit > 0xf000n ? 0x1000n : port + unit;
    return port;
  }

  #enable(device: DeviceSpec): void {
    this.#operations.push({ op: 'enable-memory', device: device.id });
    this.#enabled.add(device);
  }

  #something(): void {
    this.#choose.weighted<() => void>(
      [12, () => this.#quietly((device) => this.#move(device))],
      [6, () => this.#quietly((device) => this.#size(device))],
      [6, () => this.#quietly(() => undefined)],
      [4, () => this.#switchMsix()],
      [3, () => this.#maskVector()],
      [4, () => this.#unplug()],
      [4, () => this.#hotplug(this.#unplugged[0])],
      [4, () => this.#reboot()],
    )();
  }

  /** Does something to an enabled device while its memory is disabled, as drivers and operating systems do. */
  #quietly(change: (device: DeviceSpec) => void): void {
    const devices = [...this.#enabled];
    if (devices.length === 0) return;
    const device = this.#choose.among(devices);
    this.#operations.push({ op: 'disable-memory', device: device.id });
    change(device);
    this.#operations.push({ op: 'enable-memory', device: device.id });
  }

  #move({ id, bars }: DeviceSpec): void {
    const movable = bars.filter(({ type }) => type !== 'io');
    if (movable.length === 0) return;
    const { index } = this.#choose.among(movable);
    const address = this.#layout.move(this.#choose, id, index);
    if (address !== undefined) this.#operations.push({ op: 'set-bar', device: id, bar: index, address });
  }

  #size({ id, bars }: DeviceSpec): void {
    // Some guests leave out the type bits.
    const probe = this.#choose.chance(20) ? { probe: 0xffff_fff0n } : {};
    for (const { index } of bars) this.#operations.push({ op: 'size-bar', device: id, bar: index, ...probe });
  }

  #switchMsix(): void {
    const device = this.#someDevice();
    if (device?.msix === undefined) return;
    this.#operations.push(chooseMsixSwitch(this.#choose, device));
  }

  #maskVector(): void {
    const device = this.#someDevice();
    if (device?.msix === undefined) return;
    this.#operations.push(chooseMask(this.#choose, device, device.msix));
  }

  #someDevice(): DeviceSpec | undefined {
    return this.#plugged.length === 0 ? undefined : this.#choose.among(this.#plugged);
  }

  #unplug(): void {
    const device = this.#someDevice();
    if (device === undefined) return;
    this.#operations.push({ op: 'unplug', device: device.id });
    this.#plugged.splice(this.#plugged.indexOf(device), 1);
    this.#enabled.delete(device);
    this.#unplugged.push(device);
  }

  #hotplug(device: DeviceSpec | undefined): void {
    if (device === undefined) return;
    this.#operations.push({ op: 'hotplug', device: device.id });
    this.#unplugged.splice(this.#unplugged.indexOf(device), 1);
    this.#plugged.push(device);
    this.#boot(device);
  }

  /** The machine is reset, and firmware runs again. */
  #reboot(): void {
    const isShadowed = this.#shadows.length > 0;
    // A reset clears the PAM registers.
    for (const name of this.#shadows.splice(0)) this.#operations.push({ op: 'remove-region', name });
    this.#operations.push({ op: 'reset' });
    this.#enabled.clear();
    if (isShadowed) this.#shadow();
    for (const device of this.#plugged) this.#boot(device);
  }
}
