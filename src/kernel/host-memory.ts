import { readFileSync } from 'node:fs';
import { offset } from '../address/index.ts';
import type { Backing } from '../host/index.ts';
import type { OfferedDevice } from './offered-device.ts';

/** A part of a BAR that QEMU has mmapped. */
interface MappedBar {
  readonly start: bigint;
  readonly end: bigint;
  readonly device: OfferedDevice;
  readonly bar: number;
  /** Where in the BAR the mapping begins. */
  readonly offset: bigint;
  /** The name of the region that QEMU makes of this mmap: `0000:01:00.0 BAR 0 mmaps[0]`. */
  readonly region: string;
}

/** What lies at an address of QEMU. */
export interface FoundMemory {
  readonly deviceMemory: boolean;
  /** Absent for memory that is neither guest RAM nor a BAR. */
  readonly backing: Backing | undefined;
}

/** A mapping of guest RAM in QEMU. */
interface RamMapping {
  readonly start: bigint;
  readonly end: bigint;
  /** Where the mapping begins in the file of guest RAM. */
  readonly offset: bigint;
}

/** The name of the file of guest RAM, in the directory that QEMU runs in. */
export const RAM_FILE = 'ram';
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+ +(.*)$/;

/** The memory of a QEMU process, as far as devices and CPUs of the guest may be given it. */
export class HostMemory {
  /** The id of the process, once it is known. */
  process: number | undefined;
  readonly #ramName: string;
  readonly #bars: MappedBar[] = [];
  #ram: readonly RamMapping[] = [];

  /** @param ramName QEMU's name of guest RAM: `pc.ram`. */
  constructor(ramName: string) {
    this.#ramName = ramName;
  }

  /** Notes that QEMU has mmapped a part of a BAR. */
  addBar(bar: MappedBar): void {
    this.#bars.push(bar);
  }

  /** Notes that the mmap at this address is gone. */
  removeBar(start: bigint): void {
    const index = this.#bars.findIndex((bar) => bar.start === start);
    if (index >= 0) this.#bars.splice(index, 1);
  }

  /** How many parts of a BAR are mmapped. */
  countOf(device: OfferedDevice, bar: number): number {
    return this.#bars.filter((one) => one.device === device && one.bar === bar).length;
  }

  /** The address at which QEMU sees an offset in a BAR, if QEMU has mmapped the BAR there. */
  addressOfBar(device: OfferedDevice, bar: number, at: bigint): bigint | undefined {
    const found = this.#bars.find(
      ({ start, end, offset: from, ...one }) =>
        one.device === device && one.bar === bar && from <= at && at < from + end - start,
    );
    return found && found.start + (at - found.offset);
  }

  /** What lies at an address. */
  at(address: bigint): FoundMemory {
    const bar = this.#bars.find(({ start, end }) => start <= address && address < end);
    if (bar !== undefined) {
      const { region, device, start } = bar;
      const backing = { region, owner: device.spec.id, offset: offset(address - start) };
      return { deviceMemory: true, backing };
    }
    const ram = this.#findRam(address);
    if (ram === undefined) return { deviceMemory: false, backing: undefined };
    const at = offset(ram.offset + (address - ram.start));
    return { deviceMemory: false, backing: { region: this.#ramName, owner: undefined, offset: at } };
  }

  /** The address at which QEMU sees an offset of the file of guest RAM. */
  addressOfRam(at: bigint): bigint | undefined {
    const find = () =>
      this.#ram.find(({ start, end, offset: from }) => from <= at && at < from + end - start);
    if (find() === undefined) this.#ram = readRamMappings(this.process);
    const found = find();
    return found && found.start + (at - found.offset);
  }

  #findRam(address: bigint): RamMapping | undefined {
    const find = () => this.#ram.find(({ start, end }) => start <= address && address < end);
    const known = find();
    if (known !== undefined) return known;
    // QEMU waits for an answer, so its mappings do not change meanwhile.
    this.#ram = readRamMappings(this.process);
    return find();
  }
}

/** Where a process has mapped guest RAM, by /proc/PID/maps (proc(5)). */
function readRamMappings(process: number | undefined): readonly RamMapping[] {
  if (process === undefined) return [];
  let text: string;
  try {
    text = readFileSync(`/proc/${process}/maps`, 'latin1');
  } catch {
    // The process has ended.
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [, start, end, at, path] = MAPPING.exec(line) ?? [];
    if (path === undefined || !path.endsWith(`/${RAM_FILE}`)) return [];
    return [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), offset: BigInt(`0x${at}`) }];
  });
}
