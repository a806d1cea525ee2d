import { isPowerOfTwo, offset } from '../address/index.ts';
import { LARGEST_ROM, SMALLEST_ROM } from '../pci-layout/index.ts';
import { optional } from './optional.ts';
import { reportDuplicates } from './report-duplicates.ts';
import {
  BAR_TYPES,
  MMAP_ERRORS,
  RELOCATIONS,
  type BarSpec,
  type DeviceOptionsSpec,
  type DeviceSpec,
  type MsixSpec,
  type RomSpec,
} from './scenario.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';

/** The largest BAR in bytes: in a 64-bit register it leaves one address bit. */
export const MAX_BAR = 1n << 63n;
export const LAST_32_BIT = 0xffff_ffffn;

/** Reads one of the `devices` of a scenario. */
export function readDevice(decoder: ScenarioDecoder, value: unknown, path: string): DeviceSpec {
  const keys = ['id', 'name', 'vendor', 'device', 'vga', 'configSize', 'bars', 'rom', 'msix', 'options'];
  const device = decoder.object(value, path, keys);
  const id = decoder.string(device['id'], `${path}.id`);
  const before = decoder.problems.length;
  const bars = decoder.array(device['bars'], `${path}.bars`, (element, where) =>
    readBar(decoder, element, where),
  );
  reportDuplicates(
    decoder,
    before,
    bars.map(({ index }) => index),
    (index) => `${path}.bars[${index}].index`,
  );
  const rom = optional(device['rom'], (spec) => readRom(decoder, spec, `${path}.rom`));
  const msix = optional(device['msix'] ?? undefined, (spec) => readMsix(decoder, spec, `${path}.msix`));
  const vga = optional(device['vga'], (isVga) => decoder.boolean(isVga, `${path}.vga`));
  const configSize = optional(device['configSize'], (size) =>
    decoder.number(size, `${path}.configSize`, 0x100n, 0x1000n),
  );
  if (configSize !== undefined && configSize !== 0x100n && configSize !== 0x1000n)
    decoder.report(`${path}.configSize`, 'expected 0x100 or 0x1000');
  return {
    id,
    name: device['name'] === undefined ? id : decoder.string(device['name'], `${path}.name`),
    vendor: Number(decoder.number(device['vendor'] ?? 0, `${path}.vendor`, 0n, 0xffffn)),
    device: Number(decoder.number(device['device'] ?? 0, `${path}.device`, 0n, 0xffffn)),
    ...(vga !== undefined && { vga }),
    ...(configSize !== undefined && { configSize }),
    bars,
    ...(rom && { rom }),
    ...(msix && { msix }),
    options: readOptions(decoder, device['options'] ?? {}, `${path}.options`),
  };
}

function readBar(decoder: ScenarioDecoder, value: unknown, path: string): BarSpec {
  const bar = decoder.object(value, path, [
    'index',
    'size',
    'type',
    'mmap',
    'mmapError',
    'p2p',
    'writable',
    'sparse',
  ]);
  const sparse = optional(bar['sparse'], (areas) =>
    decoder.array(areas, `${path}.sparse`, (element, where) => {
      const area = decoder.object(element, where, ['offset', 'size']);
      const start = decoder.number(area['offset'], `${where}.offset`, 0n, MAX_BAR);
      return { offset: offset(start), size: decoder.number(area['size'], `${where}.size`, 0n, MAX_BAR) };
    }),
  );
  const mmapError = optional(bar['mmapError'], (error) =>
    decoder.oneOf(error, `${path}.mmapError`, MMAP_ERRORS),
  );
  const p2p = optional(bar['p2p'], (isPossible) => decoder.boolean(isPossible, `${path}.p2p`));
  const writable = optional(bar['writable'], (isWritable) => decoder.boolean(isWritable, `${path}.writable`));
  return {
    index: decoder.integer(bar['index'], `${path}.index`, 0, 5),
    size: decoder.number(bar['size'], `${path}.size`, 1n, MAX_BAR),
    type: decoder.oneOf(bar['type'], `${path}.type`, BAR_TYPES),
    mmap: bar['mmap'] === undefined ? bar['type'] !== 'io' : decoder.boolean(bar['mmap'], `${path}.mmap`),
    ...(mmapError && { mmapError }),
    ...(p2p !== undefined && { p2p }),
    ...(writable !== undefined && { writable }),
    ...(sparse && { sparse }),
  };
}

function readRom(decoder: ScenarioDecoder, value: unknown, path: string): RomSpec {
  const rom = decoder.object(value, path, ['size', 'contents']);
  const size = decoder.number(rom['size'], `${path}.size`, SMALLEST_ROM, LARGEST_ROM);
  if (!isPowerOfTwo(size)) decoder.report(`${path}.size`, 'expected a power of two');
  const contents = optional(rom['contents'], (bytes) =>
    decoder.number(bytes, `${path}.contents`, 0n, LARGEST_ROM),
  );
  return { size, ...(contents !== undefined && { contents }) };
}

function readMsix(decoder: ScenarioDecoder, value: unknown, path: string): MsixSpec {
  const msix = decoder.object(value, path, ['vectors', 'tableBar', 'tableOffset', 'pbaBar', 'pbaOffset']);
  const readOffset = (key: string) => {
    const at = decoder.number(msix[key], `${path}.${key}`, 0n, LAST_32_BIT);
    // The three low bits of the register hold the BIR, so no device can report another offset.
    if (at % 8n !== 0n) decoder.report(`${path}.${key}`, 'expected a multiple of 8');
    return offset(at);
  };
  return {
    vectors: decoder.integer(msix['vectors'], `${path}.vectors`, 1, 2048),
    tableBar: decoder.integer(msix['tableBar'], `${path}.tableBar`, 0, 7),
    tableOffset: readOffset('tableOffset'),
    pbaBar: decoder.integer(msix['pbaBar'], `${path}.pbaBar`, 0, 7),
    pbaOffset: readOffset('pbaOffset'),
  };
}

function readOptions(decoder: ScenarioDecoder, value: unknown, path: string): DeviceOptionsSpec {
  const options = decoder.object(value, path, [
    'x-msix-relocation',
    'x-no-mmap',
    'x-no-msix-emulation',
    'rombar',
    'romfile',
  ]);
  const relocation = optional(options['x-msix-relocation'], (option) =>
    decoder.oneOf(option, `${path}.x-msix-relocation`, RELOCATIONS),
  );
  const noMmap = optional(options['x-no-mmap'], (option) => decoder.boolean(option, `${path}.x-no-mmap`));
  const noMsixEmulation = optional(options['x-no-msix-emulation'], (option) =>
    decoder.boolean(option, `${path}.x-no-msix-emulation`),
  );
  const rombar = optional(options['rombar'], (option) => decoder.boolean(option, `${path}.rombar`));
  const romfile = optional(options['romfile'], (bytes) =>
    decoder.number(bytes, `${path}.romfile`, 1n, LARGEST_ROM),
  );
  return {
    ...(relocation && { 'x-msix-relocation': relocation }),
    ...(noMmap !== undefined && { 'x-no-mmap': noMmap }),
    ...(noMsixEmulation !== undefined && { 'x-no-msix-emulation': noMsixEmulation }),
    ...(rombar !== undefined && { rombar }),
    ...(romfile !== undefined && { romfile }),
  };
}
