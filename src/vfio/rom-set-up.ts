import { offset, type Size } from '../address/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import { ROM_SLOT } from '../pci-layout/index.ts';
import type { DeviceOptions } from './device-options.ts';
import { VmmAbort } from './failure.ts';
import type { BarLayer, DeviceSetUp } from './vfio-bars.ts';

/** The expansion ROM that the guest sees. */
export interface RegisteredRom {
  /** The region that shows the ROM: an io region over the device's ROM, or read-only RAM with the user's file. */
  readonly region: MemoryRegion;
  /** Bytes that the host lets QEMU read of the device's ROM. */
  readonly contents: Size;
}

/** No boundary that QEMU or the kernel asks of a ROM's memory is above this. */
const ROM_ALIGNMENT: Size = 0x20_0000n;

/**
 * Registers the expansion ROM: that of the device (vfio_pci_size_rom, vfio fact 5.23), or a file of the user's
 * (pci_add_option_rom, pci fact 4.11).
 *
 * @returns the ROM; `undefined` where the guest sees none.
 * @throws VmmAbort where QEMU's PCI core asserts that the ROM's size is a power of two.
 */
export function registerRom(
  device: DeviceSetUp,
  { rombar, romfile }: Pick<DeviceOptions, 'rombar' | 'romfile'>,
): RegisteredRom | undefined {
  const { id: owner, host, pci, environment } = device;
  const { rules, vfioUser, reserve } = environment;
  if (romfile !== undefined) {
    const size = pci.romfileSize(romfile);
    const hostAddress = reserve(size, ROM_ALIGNMENT);
    const name = `${vfioUser ? 'vfio-user-pci' : 'vfio-pci'}.rom`;
    return register(device, MemoryRegion.rom(name, size, { owner, hostAddress }), size);
  }
  if (host.rom === undefined) return undefined;
  const { vendor, device: id } = host;
  if (!rules.showsRom({ vendor, device: id, rombar })) return undefined;
  const size = rules.romSize(host.rom);
  if (size === 0n) return undefined;
  return register(device, MemoryRegion.io(`vfio[${host.name}].rom`, size, { owner }), host.rom.contents);
}

function register({ pci }: DeviceSetUp, region: MemoryRegion, contents: Size): RegisteredRom {
  try {
    pci.registerBar(ROM_SLOT, { type: 'mem32', prefetchable: false }, region);
  } catch (error) {
    throw new VmmAbort('rom-size-assertion', (error as Error).message);
  }
  return { region, contents };
}

/** The regions that show the bytes of the ROM. */
export const layersOfRom = (rom: RegisteredRom | undefined): readonly BarLayer[] =>
  rom === undefined ? [] : [{ region: rom.region.name, offset: offset(0n) }];
