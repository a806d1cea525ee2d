import { QemuDied } from '../../src/qemu/process/qemu-error.ts';
import { QemuProcess } from '../../src/qemu/process/qemu-process.ts';
import { isAtLeast } from './version.ts';

/** What QEMU says of the memory of a machine that has just been made. */
export interface MachineDump {
  /** The machine type. */
  readonly machine: string;
  /** The text of `info mtree -o -D`. */
  readonly tree: string;
  /** The text of `info mtree -o`: from 5.1 on without lines for disabled regions. */
  readonly enabledTree: string;
  /** The text of `info mtree -f -o`. */
  readonly flat: string;
}

/** A machine type that cannot be made here, and what QEMU said. */
export interface MachineRefusal {
  readonly machine: string;
  readonly refused: string;
}

/**
 * Starts a machine, stopped, without a guest and without default devices, and reads its memory.
 *
 * @param version of QEMU, 3.0 or later: there is no `-o` before (memory fact 8.2).
 * @throws QemuHangs when it does not answer.
 */
export async function dumpMachine(
  binary: string,
  version: string,
  machine: string,
): Promise<MachineDump | MachineRefusal> {
  let qemu: QemuProcess | undefined;
  try {
    qemu = await QemuProcess.start({
      binary,
      // From 8.2 on, barproof names an audio backend for boards with a sound device: none.
      arguments: ['-M', machine, '-S', ...(isAtLeast(version, 8, 2) ? ['-audio', 'none'] : [])],
      endsWithParent: isAtLeast(version, 10, 2),
    });
    const ask = (options: string): Promise<string> =>
      qemu!.whileAlive(qemu!.qmp.monitor(`info mtree ${options}`));
    // Before there was `-D`, disabled regions always had lines.
    const tree = await ask(isAtLeast(version, 5, 1) ? '-o -D' : '-o');
    return { machine, tree, enabledTree: await ask('-o'), flat: await ask('-f -o') };
  } catch (error) {
    if (!(error instanceof QemuDied)) throw error;
    return { machine, refused: refusalIn(error) };
  } finally {
    await qemu?.end();
  }
}

/** QEMU's own words, without the name of the program, which has a path in it. */
function refusalIn({ lastLines, message }: QemuDied): string {
  const said = lastLines.findLast((line) => /^\S*qemu-system-\S+: /.test(line));
  return said?.replace(/^\S*qemu-system-[^\s:]+: /, '') ?? lastLines.at(-1) ?? message;
}
