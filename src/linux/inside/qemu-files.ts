import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { QemuProcess, runProgram } from '../../qemu/process/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import type { ArchiveEntry } from '../boot/cpio.ts';
import { isElf, sonameOf } from './soname.ts';

/** The folder of QEMU in a kernel. */
const FOLDER = 'qemu';
/** What the PC of QEMU reads at its start. */
const FIRMWARE = ['bios-256k.bin', 'kvmvapic.bin'];
/** How many milliseconds QEMU may take to list its folders. */
const HELP_DEADLINE = 20_000;

/** A file that the loader has loaded, by the name under which it looks for the file. */
interface LoadedFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** A QEMU as files of an initramfs. */
export interface PackedQemu {
  readonly files: readonly ArchiveEntry[];
  /** The words that start it in the kernel. */
  readonly words: readonly string[];
}

/**
 * The program of a QEMU, its libraries and modules, and its firmware. A QEMU is started for a moment, because only the
 * running process says which files it has loaded: a wrapper may set paths of its own.
 *
 * @throws TargetUnavailable when the QEMU does not start, or has no firmware
 */
export async function packQemu(binary: string): Promise<PackedQemu> {
  const loaded = await loadedFiles(binary);
  const program = loaded.find(({ name }) => name.startsWith('qemu-system-'));
  const loader = loaded.find(({ name }) => /^ld[-\d.]/.test(name));
  if (program === undefined || loader === undefined)
    throw new TargetUnavailable(`${binary} is no program that can run in another kernel`);
  const packed = loaded.map(({ name, data }): ArchiveEntry => ({
    ...{ path: `${FOLDER}/${name}`, data, executable: true },
  }));
  return {
    files: [{ path: FOLDER }, ...packed, ...(await firmwareOf(binary))],
    words: [
      ...[`/${FOLDER}/${loader.name}`, '--library-path', `/${FOLDER}`],
      ...[`/${FOLDER}/${program.name}`, '-L', `/${FOLDER}`],
    ],
  };
}

/** The ELF files that a QEMU has mapped. */
async function loadedFiles(binary: string): Promise<readonly LoadedFile[]> {
  const qemu = await QemuProcess.start({ binary, arguments: ['-machine', 'none'], endsWithParent: false });
  try {
    const maps = readFileSync(`/proc/${qemu.pid}/maps`, 'utf8');
    const paths = maps.split('\n').flatMap((line) => /^\S+ \S+ \S+ \S+ \d+ +(\/.*)$/.exec(line)?.[1] ?? []);
    return elfFiles([...new Set(paths)]);
  } finally {
    await qemu.end();
  }
}

/** The files among some paths that the loader can load. */
function elfFiles(paths: readonly string[]): readonly LoadedFile[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) return [];
    const data = readFileSync(path);
    return isElf(data) ? [{ name: sonameOf(data) ?? basename(path), data }] : [];
  });
}

async function firmwareOf(binary: string): Promise<readonly ArchiveEntry[]> {
  const { out } = await runProgram(binary, ['-L', 'help'], HELP_DEADLINE);
  const folders = out.split('\n').filter((line) => line !== '');
  return FIRMWARE.map((name) => {
    const path = folders.map((folder) => join(folder, name)).find((one) => existsSync(one));
    if (path === undefined) throw new TargetUnavailable(`${binary} has no ${name} in ${folders.join(', ')}`);
    return { path: `${FOLDER}/${name}`, data: readFileSync(path) };
  });
}
