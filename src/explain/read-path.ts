import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InvalidInput, readTextFile } from '../input/index.ts';
import type { Source } from './read-source.ts';

/** The log of a machine may have some hundred thousand lines. */
const MOST_BYTES = 1 << 27;
/** The sizes of a configuration space: the header alone, PCI, and PCI Express. */
const CONFIG_SIZES: readonly number[] = [64, 256, 4096];
const ADDRESS = /^(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/i;

/**
 * The texts at a path: a file, a raw configuration space, the folder of a device in sysfs, or a folder of such folders.
 *
 * @throws InvalidInput when the path cannot be read. The path of the problem is empty.
 */
export function readPath(path: string): readonly Source[] {
  if (!isFolder(path)) return [readFile(path)];
  const names = readdirSync(path).toSorted();
  if (names.includes('config') || names.includes('resource')) return [readDeviceFolder(path)];
  const devices = names.filter((name) => ADDRESS.test(name) && isFolder(join(path, name)));
  if (devices.length > 0) return devices.map((name) => readDeviceFolder(join(path, name)));
  throw new InvalidInput([
    {
      path: '',
      message: 'this folder is no device of sysfs: it has neither a file `config` nor a file `resource`',
    },
  ]);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // The reading of the file says what is wrong.
    return false;
  }
}

function readFile(path: string): Source {
  const bytes = bytesOf(path);
  if (bytes === undefined) return { name: path, text: requireText(readTextFile(path)) };
  const text = decode(bytes);
  if (CONFIG_SIZES.includes(bytes.length) && isBinary(bytes)) {
    const name = basename(path);
    return { name: path, text: '', config: bytes, address: ADDRESS.test(name) ? name : undefined };
  }
  return { name: path, text: requireText(text) };
}

/** @throws InvalidInput for zeros alone: a file that was preallocated, or lost its contents in a crash. */
export function requireText(text: string): string {
  if (!/^\0+$/.test(text)) return text;
  const message = `there are ${text.length} bytes of zero, and no text`;
  throw new InvalidInput([{ path: '', message }]);
}

/** The bytes of a regular file; `undefined` for pipes, and where reading fails. */
function bytesOf(path: string): Uint8Array | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return undefined;
    if (stats.size > MOST_BYTES)
      throw new InvalidInput([{ path: '', message: `the file has more than ${MOST_BYTES} bytes` }]);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    return undefined;
  }
}

/** Bytes that no text has: zeros and other control characters. */
const isBinary = (bytes: Uint8Array): boolean => bytes.some((byte) => byte < 9 || (byte > 13 && byte < 27));

/** Text of Windows and PowerShell may be UTF-16, or Windows-1252. */
function decode(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  const text = new TextDecoder(encoding).decode(bytes);
  // What is not UTF-8 is as a rule text of Windows, whose quotes are single bytes.
  return encoding === 'utf-8' && text.includes('\ufffd')
    ? new TextDecoder('windows-1252').decode(bytes)
    : text;
}

/** The files of a device in sysfs, as one text. Files that the user may not read are left out. */
function readDeviceFolder(folder: string): Source {
  const read = (file: string): string => {
    try {
      return readFileSync(join(folder, file), 'utf8').slice(0, 4096);
    } catch {
      return '';
    }
  };
  const target = (link: string): string | undefined => {
    try {
      return basename(readlinkSync(join(folder, link)));
    } catch {
      return undefined;
    }
  };
  const config = bytesOf(join(folder, 'config'));
  const driver = target('driver');
  const group = target('iommu_group');
  const [vendor, device] = [read('vendor'), read('device')].map((id) => id.trim().replace(/^0x/, ''));
  const name = basename(folder);
  const address = ADDRESS.test(name) ? name : undefined;
  const text = [
    ...(address === undefined
      ? []
      : [`${address} Device${vendor && device ? ` [${vendor}:${device}]` : ''}`]),
    ...(driver === undefined ? [] : [`Kernel driver in use: ${driver}`]),
    ...(group === undefined ? [] : [`IOMMU group: ${group}`]),
    read('resource'),
  ].join('\n');
  return {
    name: folder,
    text,
    config: config !== undefined && config.length >= 64 ? config : undefined,
    address,
  };
}
