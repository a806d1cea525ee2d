/** Replaces sockets by the names of the devices behind them, and addresses in QEMU by a word. */
export const renameDevices = (text: string, names: ReadonlyMap<string, { readonly name: string }>): string =>
  withoutPointers(
    text.replaceAll(/vfio-user:(\w+)/g, (whole: string, socket: string) => names.get(socket)?.name ?? whole),
  );

const withoutPointers = (text: string): string =>
  text.replaceAll(/\bObject 0x[0-9a-f]{6,}/g, 'Object 0xPOINTER');

/** A line of QEMU's without what it puts before every message: its own name and the argument concerned. */
export const withoutProgram = (line: string): string =>
  line.replace(/^(?:\/\S*\/)?qemu-system-\w+: /, '').replace(/^-device \{.*?\}\}?: /, '');
