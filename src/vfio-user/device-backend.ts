import { alignUp } from '../address/index.ts';
import { BAR_COUNT, ROM_SLOT, type ConfigSpace } from '../pci-layout/index.ts';
import { configurationSpace, CONVENTIONAL_BYTES, EXTENDED_BYTES } from './configuration-space.ts';
import { EINVAL } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';
import type { RegionAccess } from './region-access.ts';
import type { RegionInfo } from './region-info.ts';
import { endOfMmaps, type ServedDevice } from './served-device.ts';
import type { Descriptor, SystemCalls } from './system-calls.ts';

/** Indexes of the regions of a PCI device (linux/vfio.h: VFIO_PCI_*_REGION_INDEX). 0 to 5 are the BARs. */
export const CONFIG_REGION = 7;
export const REGION_COUNT = 9;

/** Pages of 64 KiB are the largest of a Linux host, in bytes. */
const LARGEST_PAGE = 0x1_0000n;
/** Bytes of the largest file that the server makes: Linux allows none of 2^63 or more, yet a BAR may be as large. */
const LARGEST_FILE = 1n << 62n;

const ABSENT: RegionInfo = { size: 0n, flags: { read: false, write: false, mmap: false }, capabilities: [] };

/** The registers of the device and the memory of its BARs. The device stays while clients connect and leave. */
export class DeviceBackend {
  readonly #device: ServedDevice;
  readonly #calls: SystemCalls;
  readonly #files = new Map<number, Descriptor>();
  #config: ConfigSpace;
  /** How many interrupts the device has of each index. */
  readonly irqCounts: readonly number[];

  /** @throws SystemCallError when the memory file of a BAR cannot be made. */
  constructor(device: ServedDevice, calls: SystemCalls) {
    this.#device = device;
    this.#calls = calls;
    this.#config = configurationSpace(device);
    // INTx, MSI, MSI-X, error, request (linux/vfio.h: VFIO_PCI_*_IRQ_INDEX).
    this.irqCounts = [0, 0, device.msix?.vectors ?? 0, 1, 1];
    try {
      this.#createFiles();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #createFiles(): void {
    this.#device.bars.slice(0, BAR_COUNT).forEach((bar, index) => {
      if (!bar?.info.flags.mmap) return;
      // A client mmaps whole pages of its host.
      const size = alignUp(endOfMmaps(bar.info), LARGEST_PAGE);
      const file = this.#calls.memoryFile(
        `${this.#device.id}-bar${index}`,
        size < LARGEST_FILE ? size : LARGEST_FILE,
      );
      this.#files.set(index, file);
    });
  }

  /** The reply to DEVICE_GET_REGION_INFO for region `index`; `undefined` from index 9 on. */
  regionInfo(index: number): RegionInfo | undefined {
    if (index >= REGION_COUNT) return undefined;
    if (index === CONFIG_REGION) {
      const size = BigInt(this.#device.pciExpress ? EXTENDED_BYTES : CONVENTIONAL_BYTES);
      return { size, flags: { read: true, write: true, mmap: false }, capabilities: [] };
    }
    if (index === ROM_SLOT) {
      const size = this.#device.rom?.contents ?? 0n;
      return { size, flags: { read: size > 0n, write: false, mmap: false }, capabilities: [] };
    }
    return this.#device.bars[index]?.info ?? ABSENT;
  }

  /** The memory file of a BAR that the client may mmap. */
  file(index: number): Descriptor | undefined {
    return this.#files.get(index);
  }

  /**
   * The bytes that the client reads. A BAR without mmap has no memory and reads as zeros, as the expansion ROM does.
   *
   * @throws MalformedMessage (EINVAL) for a region index from 9 on, and for bytes beyond the end of the region.
   */
  read(access: RegionAccess): Uint8Array {
    this.#check(access);
    const { region, offset, count } = access;
    if (region === CONFIG_REGION) return this.#readConfig(Number(offset), count);
    const file = this.#files.get(region);
    if (file === undefined) return new Uint8Array(count);
    const bytes = new Uint8Array(count);
    bytes.set(this.#calls.readFile(file, offset, count));
    return bytes;
  }

  /** Writes bytes of the client. A BAR without mmap drops them. @throws MalformedMessage as `read` does. */
  write(access: RegionAccess, data: Uint8Array): void {
    this.#check(access);
    const { region, offset } = access;
    if (region === CONFIG_REGION) {
      data.forEach((byte, index) => this.#writeConfig(Number(offset) + index, byte));
      return;
    }
    const file = this.#files.get(region);
    if (file !== undefined && data.length > 0) this.#calls.writeFile(file, offset, data);
  }

  #check({ region, offset, count }: RegionAccess): void {
    const info = this.regionInfo(region);
    if (info === undefined || offset + BigInt(count) > info.size) {
      const problem = info
        ? `region ${region} has ${info.size} bytes`
        : `allowed regions 0 to ${REGION_COUNT - 1}`;
      throw new MalformedMessage(
        `access to ${count} bytes at ${offset} of region ${region}: ${problem}`,
        EINVAL,
      );
    }
  }

  /** Extended configuration space, from byte 256 on, has no capabilities and reads as zeros. */
  #readConfig(offset: number, count: number): Uint8Array {
    return Uint8Array.from({ length: count }, (_, index) =>
      offset + index < CONVENTIONAL_BYTES ? this.#config.read(offset + index, 1) : 0,
    );
  }

  #writeConfig(offset: number, byte: number): void {
    if (offset < CONVENTIONAL_BYTES) this.#config.write(offset, 1, byte);
  }

  /** Puts the registers back to their values after power-on. The memory of the BARs keeps its contents. */
  reset(): void {
    this.#config = configurationSpace(this.#device);
  }

  /** Closes the memory files. May be called again. */
  close(): void {
    for (const file of this.#files.values()) this.#calls.close(file);
    this.#files.clear();
  }
}
