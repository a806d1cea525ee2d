/** What the folder of a device of the host is called in sysfs, before the device's id in QEMU. */
export const HOST_DEVICE_PREFIX = 'host-device:';

/** Replaces what QEMU calls a device, by its socket or its folder in sysfs, by the device's name, and the address of an object by a word. */
export const renameDevices = (text: string, names: ReadonlyMap<string, { readonly name: string }>): string =>
  withoutPointers(
    text.replaceAll(
      /(?:vfio-user|host-device):(\w+)/g,
      (whole: string, id: string) => names.get(id)?.name ?? whole,
    ),
  );

const withoutPointers = (text: string): string =>
  text.replaceAll(/\bObject 0x[0-9a-f]{6,}/g, 'Object 0xPOINTER');

/** A line of QEMU's output without the prefix of every message: the program's name, and the argument at fault. */
export const withoutProgram = (line: string): string =>
  line.replace(/^(?:\/\S*\/)?qemu-system-\w+: /, '').replace(/^-device (?:\{.*?\}\}?|\S+?): /, '');
