/** Replaces the socket in a device's name by the device's name, and the address of an object by a word. */
export const renameDevices = (text: string, names: ReadonlyMap<string, { readonly name: string }>): string =>
  withoutPointers(
    text.replaceAll(/vfio-user:(\w+)/g, (whole: string, socket: string) => names.get(socket)?.name ?? whole),
  );

const withoutPointers = (text: string): string =>
  text.replaceAll(/\bObject 0x[0-9a-f]{6,}/g, 'Object 0xPOINTER');

/** A line of QEMU's output without the prefix of every message: the program's name, and the argument at fault. */
export const withoutProgram = (line: string): string =>
  line.replace(/^(?:\/\S*\/)?qemu-system-\w+: /, '').replace(/^-device \{.*?\}\}?: /, '');
