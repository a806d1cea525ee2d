import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { QemuUnusable } from './qemu-error.ts';

/** What a QEMU program says of itself. */
export interface QemuProbe {
  readonly binary: string;
  /** Such as `11.1.3`. */
  readonly version: string;
  /** Whether there is `-device vfio-user-pci`, through which barproof is the device: 10.1 and later, unless built without. */
  readonly vfioUser: boolean;
  /** Machine types, without the names that are aliases of others. */
  readonly machines: readonly string[];
  /** Names of machine types that stand for others, such as `q35`. */
  readonly machineAliases: readonly string[];
}

/** A program that does not answer to `--version` in this time, in milliseconds, is none of QEMU's. */
const DEADLINE = 20_000;

const run = promisify(execFile);

/**
 * Asks a program for its version, machine types and devices.
 *
 * @throws QemuUnusable when it does not start, or is not QEMU.
 */
export async function probeQemu(binary: string): Promise<QemuProbe> {
  const ask = async (...words: readonly string[]): Promise<string> => {
    try {
      const { stdout } = await run(binary, words, { timeout: DEADLINE, maxBuffer: 1 << 24 });
      return stdout;
    } catch (error) {
      const { message, stderr } = error as Error & { readonly stderr?: string };
      throw new QemuUnusable(binary, `${words.join(' ')}: ${(stderr || message).trim().split('\n')[0]}`);
    }
  };
  const [, version] = /^QEMU emulator version (\d+\.\d+(?:\.\d+)?)/m.exec(await ask('--version')) ?? [];
  if (version === undefined) throw new QemuUnusable(binary, 'it does not say which version of QEMU it is');
  const [devices, machines] = await Promise.all([ask('-device', 'help'), ask('-M', 'help')]);
  const lines = machines.split('\n').filter((line) => /^\S+ {2,}\S|^\S{20,} \S/.test(line));
  const names = (alias: boolean): string[] =>
    lines.filter((line) => line.includes('(alias of ') === alias).map((line) => line.split(' ', 1)[0]!);
  return {
    binary,
    version,
    vfioUser: /^name "vfio-user-pci"/m.test(devices),
    machines: names(false),
    machineAliases: names(true),
  };
}

/** Whether `version` is `major.minor` or later. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number);
  return first > major || (first === major && second >= minor);
}
