/** A file or folder of an archive. */
export interface ArchiveEntry {
  /** Without a slash at the beginning. */
  readonly path: string;
  /** The contents; `undefined` for a folder. */
  readonly data?: Uint8Array;
  /** Whether the file can be executed. */
  readonly executable?: boolean;
}

const FOLDER = 0o040755;
const FILE = 0o100644;
const PROGRAM = 0o100755;
/** The name of the entry that ends an archive. */
const TRAILER = 'TRAILER!!!';
const HEADER_BYTES = 110;

/**
 * An archive in the "newc" format of cpio, as the kernel unpacks it: Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst. All files belong to root and have no date, so
 * the same entries give the same bytes.
 */
export function cpioArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const parts = entries.flatMap((entry, index) => entryParts(entry, index + 1));
  parts.push(...entryParts({ path: TRAILER, data: new Uint8Array(0) }, 0));
  return Buffer.concat(parts);
}

function entryParts({ path, data, executable }: ArchiveEntry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const mode = path === TRAILER ? 0 : data === undefined ? FOLDER : executable ? PROGRAM : FILE;
  const numbers = [
    ...[inode, mode, 0, 0],
    // Links, date, size.
    ...[1, 0, data?.length ?? 0],
    // The device that holds the file, and the device that a device file names; major and minor number of each.
    ...[0, 0, 0, 0],
    // The length of the name, and a checksum that this format leaves 0.
    ...[name.length, 0],
  ];
  const header = `070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`;
  return [
    Buffer.from(header),
    name,
    padding(HEADER_BYTES + name.length),
    ...(data === undefined ? [] : [data, padding(data.length)]),
  ];
}

/** The zeros that fill `length` bytes up to a multiple of four. */
const padding = (length: number): Uint8Array => new Uint8Array((4 - (length % 4)) % 4);
