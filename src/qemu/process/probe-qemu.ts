import { answerDeadline } from './answer-deadline.ts';
import { QemuUnusable } from './qemu-error.ts';
import { runProgram } from './run-program.ts';

/** Version and abilities of a QEMU program, by its own account on the command line. */
export interface QemuProbe {
  readonly binary: string;
  /** Such as `11.1.3`. */
  readonly version: string;
  /** Whether QEMU has the device `vfio-user-pci`: from 10.1 on, unless built without. */
  readonly vfioUser: boolean;
  /** Whether QEMU has the device `vfio-pci`. */
  readonly vfio: boolean;
  /** The machine types, without aliases. */
  readonly machines: readonly string[];
  /** The aliases of machine types, such as `q35`. */
  readonly machineAliases: readonly string[];
}

/**
 * Asks a program for its version, machine types and devices.
 *
 * @param milliseconds how long the program may take for one answer.
 * @throws QemuUnusable when the program does not start, does not answer in time, or is not QEMU.
 * @throws InvalidInput when BARPROOF_QEMU_DEADLINE is no number of seconds.
 */
export async function probeQemu(binary: string, milliseconds = answerDeadline()): Promise<QemuProbe> {
  const ask = async (...words: readonly string[]): Promise<string> => {
    const result = await runProgram(binary, words, milliseconds);
    if (result.failure === undefined) return result.out;
    const [line] = (result.err || result.failure).trim().split('\n');
    throw new QemuUnusable(binary, `${words.join(' ')}: ${line}`);
  };
  const [, version] = /^QEMU emulator version (\d+\.\d+(?:\.\d+)?)/m.exec(await ask('--version')) ?? [];
  if (version === undefined) throw new QemuUnusable(binary, '--version does not name a version of QEMU');
  const [devices, machines] = await Promise.all([ask('-device', 'help'), ask('-M', 'help')]);
  const lines = machines.split('\n').filter((line) => /^\S+ {2,}\S|^\S{20,} \S/.test(line));
  const names = (alias: boolean): string[] =>
    lines.filter((line) => line.includes('(alias of ') === alias).map((line) => line.split(' ', 1)[0]!);
  return {
    binary,
    version,
    vfioUser: /^name "vfio-user-pci"/m.test(devices),
    vfio: /^name "vfio-pci"/m.test(devices),
    machines: names(false),
    machineAliases: names(true),
  };
}
