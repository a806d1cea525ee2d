import { QemuDied } from '../../src/qemu/process/qemu-error.ts';
import { QemuProcess } from '../../src/qemu/process/qemu-process.ts';
import { isAtLeast } from '../../src/qemu/process/probe-qemu.ts';

/** The memory of a new machine, as QEMU's monitor prints it. */
export interface MachineDump {
  /** The machine type. */
  readonly machine: string;
  /** The text of `info mtree -o -D`. */
  readonly tree: string;
  /** The text of `info mtree -o`: QEMU 5.1 and later omit lines of disabled regions. */
  readonly enabledTree: string;
  /** The text of `info mtree -f -o`. */
  readonly flat: string;
}

/** A machine type that QEMU cannot start on this host. */
export interface MachineRefusal {
  readonly machine: string;
  /** QEMU's error message. */
  readonly refused: string;
}

/**
 * Starts a machine, stopped, without a guest and without default devices, and reads its memory.
 *
 * @param version of QEMU, 3.0 or later: older releases have no `-o` (memory fact 8.2).
 * @throws QemuHangs if QEMU does not answer.
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
      // Since 8.2 a board with a sound device asks for an audio back end; `none` plays nothing.
      arguments: ['-M', machine, '-S', ...(isAtLeast(version, 8, 2) ? ['-audio', 'none'] : [])],
      endsWithParent: isAtLeast(version, 10, 2),
    });
    const ask = (options: string): Promise<string> => qemu!.alive(qemu!.qmp.monitor(`info mtree ${options}`));
    // QEMU before 5.1 has no `-D`, and always prints lines for disabled regions.
    const tree = await ask(isAtLeast(version, 5, 1) ? '-o -D' : '-o');
    return { machine, tree, enabledTree: await ask('-o'), flat: await ask('-f -o') };
  } catch (error) {
    if (!(error instanceof QemuDied)) throw error;
    return { machine, refused: refusalIn(error) };
  } finally {
    await qemu?.end();
  }
}

/** QEMU's error message without the name of the program, which contains a path. */
function refusalIn({ lastWords, message }: QemuDied): string {
  const said = lastWords.findLast((line) => /^\S*qemu-system-\S+: /.test(line));
  return said?.replace(/^\S*qemu-system-[^\s:]+: /, '') ?? lastWords.at(-1) ?? message;
}
