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
 * The expansion ROM that the guest is to see: that of the device (vfio_pci_size_rom, vfio fact 5.23), or a file of the user's
 * (pci_add_option_rom, pci fact 4.11). QEMU decides before it looks at the BARs.
 *
 * @returns the ROM; `undefined` where the guest sees none.
 * @throws DeviceRefused where a rule refuses the device.
 */
export function makeRom(
  { id: owner, host, pci, environment }: DeviceSetUp,
  { rombar, romfile }: Pick<DeviceOptions, 'rombar' | 'romfile'>,
): RegisteredRom | undefined {
  const { rules, romfileRegion, reserve } = environment;
  if (romfile !== undefined) {
    const size = pci.romfileSize(romfile);
    const hostAddress = reserve(size, ROM_ALIGNMENT);
    return { region: MemoryRegion.rom(romfileRegion, size, { owner, hostAddress }), contents: size };
  }
  if (host.rom === undefined) return undefined;
  const { vendor, device } = host;
  if (!rules.showsRom({ vendor, device, rombar })) return undefined;
  const size = rules.romSize(host.rom);
  if (size === 0n) return undefined;
  const region = MemoryRegion.io(`vfio[${host.name}].rom`, size, { owner });
  return { region, contents: host.rom.contents };
}

/** @throws VmmAbort where QEMU's PCI core asserts that the ROM's size is a power of two. */
export function registerRom({ pci }: DeviceSetUp, { region }: RegisteredRom): void {
  try {
    pci.registerBar(ROM_SLOT, { type: 'mem32', prefetchable: false }, region);
  } catch (error) {
    throw new VmmAbort('rom-size-assertion', (error as Error).message);
  }
}

/** The regions that show the bytes of the ROM. */
export const layersOfRom = (rom: RegisteredRom | undefined): readonly BarLayer[] =>
  rom === undefined ? [] : [{ region: rom.region.name, offset: offset(0n) }];
