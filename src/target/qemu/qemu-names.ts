/** Replaces sockets by the names of the devices behind them, and addresses in QEMU by a word. */
export function renameDevices(
  text: string,
  directory: string,
  names: ReadonlyMap<string, { readonly name: string }>,
): string {
  if (!text.includes(directory)) return withoutPointers(text);
  const renamed = text
    .replaceAll(/(?:vfio-user:)?(\/\S+\/(\w+))/g, (whole: string, path: string, id: string) => {
      const device = path === `${directory}/${id}` ? names.get(id) : undefined;
      return device?.name ?? whole;
    })
    .replaceAll(`${directory}/`, '');
  return withoutPointers(renamed);
}

const withoutPointers = (text: string): string =>
  text.replaceAll(/\bObject 0x[0-9a-f]{6,}/g, 'Object 0xPOINTER');

/** A line of QEMU's without what it puts before every message: its own name and the argument concerned. */
export const withoutProgram = (line: string): string =>
  line.replace(/^(?:\/\S*\/)?qemu-system-\w+: /, '').replace(/^-device \{.*?\}\}?: /, '');
