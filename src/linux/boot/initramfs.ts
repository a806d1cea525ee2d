import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpioArchive, type ArchiveEntry } from './cpio.ts';

/** The files of an initramfs. */
export interface InitramfsContents {
  /** The path of the program that the kernel runs first. */
  readonly agent: string;
  /** The paths of the modules, in the order in which the agent loads them. */
  readonly modules: readonly string[];
  /** Further files and folders. */
  readonly files?: readonly ArchiveEntry[];
}

/** zlib's fastest level. A higher level makes an initramfs hardly smaller. */
const COMPRESSION = { level: 1 };

/** Makes an initramfs: a cpio archive compressed by gzip. It needs no other program. */
export function makeInitramfs({ agent, modules, files: more = [] }: InitramfsContents): Uint8Array {
  const folders: ArchiveEntry[] = ['dev', 'proc', 'sys', 'tmp', 'modules'].map((path) => ({ path }));
  const files = modules.map((file): ArchiveEntry => ({
    path: `modules/${basename(file)}`,
    data: readFileSync(file),
  }));
  const order = modules.map((file) => `${basename(file)}\n`).join('');
  return gzipSync(
    cpioArchive([
      ...folders,
      { path: 'init', data: readFileSync(agent), executable: true },
      { path: 'modules/order', data: Buffer.from(order) },
      ...files,
      ...more,
    ]),
    COMPRESSION,
  );
}
