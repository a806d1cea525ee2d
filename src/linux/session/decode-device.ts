import { isPowerOfTwo } from '../../address/index.ts';
import { MSIX_MAX_VECTORS } from '../../pci-layout/index.ts';
import type { PageNeighbour, SessionBar, SessionDevice, SessionMsixPart } from './host-session.ts';
import { regionsOfDevice } from './qemu-devices.ts';
import type { SessionDecoder } from './session-decoder.ts';

/** The BARs of a device that the session does not describe: one memory BAR of 16 KiB. */
const DEFAULT_BARS = [{ index: 0, size: 0x4000, type: 'mem64', prefetch: false }];

/**
 * Reads `info.device`.
 *
 * @param openByDefault whether the device's file is open where the session does not say
 */
export function decodeDevice(
  decoder: SessionDecoder,
  value: unknown,
  path: string,
  openByDefault: boolean,
): SessionDevice {
  const fields = decoder.object(value ?? {}, path, [
    ...['bdf', 'open', 'bars', 'msix', 'vendor', 'device', 'configSize', 'romSize'],
  ]);
  const id = (key: 'vendor' | 'device'): bigint | undefined =>
    decoder.optional(fields[key], undefined, (given) => decoder.number(given, `${path}.${key}`, 0xffffn));
  const vendor = id('vendor');
  // The answers do not depend on the device's id; a wrong one is reported.
  id('device');
  const bars = decoder.array(fields['bars'] ?? DEFAULT_BARS, `${path}.bars`, (bar, at) =>
    decodeBar(decoder, bar, at),
  );
  const known = regionsOfDevice(vendor, bars);
  const size = (key: 'configSize' | 'romSize'): bigint =>
    decoder.optional(fields[key], known[key], (given) => decoder.number(given, `${path}.${key}`));
  return {
    bdf: decoder.optional(fields['bdf'], '', (given) => decoder.text(given, `${path}.bdf`)),
    open: decoder.optional(fields['open'], openByDefault, (given) => decoder.boolean(given, `${path}.open`)),
    bars,
    otherRegions: { configSize: size('configSize'), romSize: size('romSize') },
    msix: decoder.optional(fields['msix'], undefined, (given) => decodeMsix(decoder, given, `${path}.msix`)),
  };
}

function decodeBar(decoder: SessionDecoder, value: unknown, path: string): SessionBar {
  const fields = decoder.object(value, path, [
    ...['index', 'size', 'type', 'prefetch', 'start', 'mmapFlag', 'othersInPage'],
  ]);
  const size = decoder.number(fields['size'], `${path}.size`);
  if (!isPowerOfTwo(size)) decoder.report(`${path}.size`, 'expected a power of two');
  return {
    index: decoder.integer(fields['index'], `${path}.index`, 0, 5),
    size,
    type: decoder.oneOf(fields['type'], `${path}.type`, ['io', 'mem32', 'mem64']),
    prefetch: decoder.optional(fields['prefetch'], false, (given) =>
      decoder.boolean(given, `${path}.prefetch`),
    ),
    start: decoder.optional(fields['start'], undefined, (given) => decoder.number(given, `${path}.start`)),
    mmapFlag: decoder.optional(fields['mmapFlag'], undefined, (given) =>
      decoder.boolean(given, `${path}.mmapFlag`),
    ),
    othersInPage: decoder.array(fields['othersInPage'] ?? [], `${path}.othersInPage`, (one, at) =>
      decodeNeighbour(decoder, one, at),
    ),
  };
}

function decodeNeighbour(decoder: SessionDecoder, value: unknown, path: string): PageNeighbour {
  const [first, last, name] = Array.isArray(value) ? value : [];
  if (!Array.isArray(value) || value.length !== 3) decoder.report(path, 'expected [first, last, name]');
  return {
    first: decoder.number(first, `${path}[0]`),
    last: decoder.number(last, `${path}[1]`),
    name: decoder.text(name, `${path}[2]`),
  };
}

function decodeMsix(decoder: SessionDecoder, value: unknown, path: string): SessionDevice['msix'] {
  const fields = decoder.object(value, path, ['vectors', 'table', 'pba']);
  return {
    vectors: decoder.integer(fields['vectors'], `${path}.vectors`, 1, MSIX_MAX_VECTORS),
    table: decodePart(decoder, fields['table'], `${path}.table`),
    pba: decodePart(decoder, fields['pba'], `${path}.pba`),
  };
}

function decodePart(decoder: SessionDecoder, value: unknown, path: string): SessionMsixPart {
  const fields = decoder.object(value, path, ['bir', 'offset']);
  return {
    bir: decoder.integer(fields['bir'], `${path}.bir`, 0, 7),
    offset: decoder.number(fields['offset'], `${path}.offset`, 0xffff_fff8n),
  };
}
