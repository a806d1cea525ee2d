import {
  BAR_COUNT,
  barFlags,
  barRegister,
  ConfigSpace,
  MSIX_CAPABILITY_ID,
  MsixControl,
  MsixRegister,
  PciCommand,
  PciRegister,
  PciStatus,
  RomRegister,
  locator,
  type MsixLayout,
} from '../pci-layout/index.ts';
import type { ServedBar, ServedDevice } from './served-device.ts';

/** Registers of the type 0 header beside those of src/pci-layout (PCI 3.0 section 6.1). */
const VENDOR_ID = 0x00;
const DEVICE_ID = 0x02;
const REVISION_ID = 0x08;
const CLASS_CODE = 0x09;
const CACHE_LINE_SIZE = 0x0c;
const SUBSYSTEM_VENDOR_ID = 0x2c;
const SUBSYSTEM_ID = 0x2e;
const INTERRUPT_LINE = 0x3c;

/** The bits that software may set in COMMAND. */
const COMMAND_WRITABLE =
  PciCommand.IO |
  PciCommand.MEMORY |
  PciCommand.BUS_MASTER |
  PciCommand.PARITY_ERROR_RESPONSE |
  PciCommand.SERR |
  PciCommand.INTX_DISABLE;
const MSIX_CONTROL_WRITABLE = MsixControl.ENABLE | MsixControl.FUNCTION_MASK;

/** Offsets of the capabilities. */
export const MSIX_CAPABILITY_OFFSET = 0x40;
export const EXPRESS_CAPABILITY_OFFSET = 0x50;
const EXPRESS_CAPABILITY_ID = 0x10;
/** Version 2 of the PCI Express capability, type "endpoint" (PCI Express 3.0 section 7.8.2). */
const EXPRESS_ENDPOINT_V2 = 0x0002;
/** 2.5 GT/s and one lane: the slowest link of PCI Express (section 7.8.6). */
const EXPRESS_LINK = 0x0011;

/** Bytes of the configuration space of a conventional function, and of a PCI Express function. */
export const CONVENTIONAL_BYTES = 256;
export const EXTENDED_BYTES = 4096;

/** Base system peripheral, other. */
const DEFAULT_CLASS = 0x08_80_00;

/**
 * The configuration space of `device` after power-on. QEMU emulates most of it and reads the type bits of the BARs
 * and the capabilities. COMMAND and the MSI-X control word keep what the client writes, and a client can size the BARs.
 */
export function configurationSpace(device: ServedDevice): ConfigSpace {
  const space = new ConfigSpace();
  space.set(VENDOR_ID, 2, device.vendor);
  space.set(DEVICE_ID, 2, device.device);
  space.set(REVISION_ID, 1, 1);
  const classCode = device.classCode ?? DEFAULT_CLASS;
  space.set(CLASS_CODE, 1, classCode & 0xff);
  space.set(CLASS_CODE + 1, 2, classCode >>> 8);
  space.set(SUBSYSTEM_VENDOR_ID, 2, device.subsystemVendor ?? 0);
  space.set(SUBSYSTEM_ID, 2, device.subsystem ?? 0);
  space.setWritable(PciRegister.COMMAND, 2, COMMAND_WRITABLE);
  space.setWritable(CACHE_LINE_SIZE, 1, 0xff);
  space.setWritable(INTERRUPT_LINE, 1, 0xff);
  device.bars.slice(0, BAR_COUNT).forEach((bar, index) => bar && setBar(space, index, bar));

  if (device.rom !== undefined) {
    const writable =
      (BigInt.asUintN(32, -device.rom.size) & BigInt(RomRegister.ADDRESS)) | BigInt(RomRegister.ENABLE);
    space.setWritable(PciRegister.EXPANSION_ROM, 4, Number(writable));
  }

  const chain: [at: number, write: (next: number) => void][] = [];
  const { msix } = device;
  if (msix) chain.push([MSIX_CAPABILITY_OFFSET, (next) => setMsix(space, msix, next)]);
  if (device.pciExpress) chain.push([EXPRESS_CAPABILITY_OFFSET, (next) => setExpress(space, next)]);
  if (chain.length > 0) {
    space.set(PciRegister.STATUS, 2, PciStatus.CAPABILITY_LIST);
    space.set(PciRegister.CAPABILITY_POINTER, 1, chain[0]![0]);
  }
  chain.forEach(([, write], index) => write(chain[index + 1]?.[0] ?? 0));
  return space;
}

/** Sets the type bits of a BAR. Where the size is a power of two, software can find it by writing all ones. */
function setBar(space: ConfigSpace, index: number, { attributes, info: { size } }: ServedBar): void {
  const register = barRegister(index);
  space.set(register, 4, barFlags(attributes));
  const smallest = attributes.type === 'io' ? 4n : 16n;
  if (size < smallest || (size & (size - 1n)) !== 0n) return;
  space.setWritable(register, 4, Number(BigInt.asUintN(32, -size)));
  if (attributes.type === 'mem64' && index + 1 < BAR_COUNT) {
    space.setWritable(register + 4, 4, Number(BigInt.asUintN(32, -size >> 32n)));
  }
}

function setMsix(space: ConfigSpace, msix: MsixLayout, next: number): void {
  const at = MSIX_CAPABILITY_OFFSET;
  space.set(at, 1, MSIX_CAPABILITY_ID);
  space.set(at + 1, 1, next);
  space.set(at + MsixRegister.CONTROL, 2, msix.vectors - 1);
  space.setWritable(at + MsixRegister.CONTROL, 2, MSIX_CONTROL_WRITABLE);
  space.set(at + MsixRegister.TABLE, 4, locator(msix.tableBar, msix.tableOffset));
  space.set(at + MsixRegister.PBA, 4, locator(msix.pbaBar, msix.pbaOffset));
}

function setExpress(space: ConfigSpace, next: number): void {
  const at = EXPRESS_CAPABILITY_OFFSET;
  space.set(at, 1, EXPRESS_CAPABILITY_ID);
  space.set(at + 1, 1, next);
  space.set(at + 2, 2, EXPRESS_ENDPOINT_V2);
  space.set(at + 0x0c, 4, EXPRESS_LINK);
  space.set(at + 0x12, 2, EXPRESS_LINK);
}
