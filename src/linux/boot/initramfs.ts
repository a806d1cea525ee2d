import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpioArchive, type ArchiveEntry } from './cpio.ts';

/** What goes into an initramfs. */
export interface InitramfsContents {
  /** The program that the kernel runs first. */
  readonly agent: string;
  /** Modules in the order in which the agent loads them. */
  readonly modules: readonly string[];
}

/** The kernel unpacks it slowly under TCG, and zlib at its fastest is close to its best here. */
const COMPRESSION = { level: 1 };

/** An initramfs as gzip-compressed cpio; nothing but reading the files is needed to make it. */
export function makeInitramfs({ agent, modules }: InitramfsContents): Uint8Array {
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
    ]),
    COMPRESSION,
  );
}
