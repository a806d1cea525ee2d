import { END_OF_SPACE, hex, isPowerOfTwo, LAST_ADDRESS, offset, type Size } from '../address/index.ts';
import { ROM_SLOT } from '../pci-layout/index.ts';
import {
  ACCESS_WIDTHS,
  DMA_WINDOW_PAGES,
  LARGEST_DMA_WINDOW,
  OPERATIONS,
  OVERLAY_KINDS,
  POWER_STATES,
  type CpuAccessWidth,
  type Operation,
} from './scenario.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';

const LAST_32_BIT_VALUE = 0xffff_ffffn;

/** The smallest and the largest block of virtio-mem, in bytes. */
export const [SMALLEST_BLOCK, LARGEST_BLOCK]: readonly [Size, Size] = [0x1000n, 1n << 40n];

/** The keys of each operation, apart from `op`. */
const OPERATION_KEYS: Record<Operation['op'], readonly string[]> = {
  'set-bar': ['device', 'bar', 'address'],
  'set-rom': ['device', 'address', 'enabled'],
  'size-bar': ['device', 'bar', 'probe'],
  'enable-memory': ['device'],
  'disable-memory': ['device'],
  'enable-io': ['device'],
  'disable-io': ['device'],
  'enable-msix': ['device'],
  'disable-msix': ['device'],
  'mask-vector': ['device', 'vector', 'masked'],
  'resize-bar': ['device', 'bar', 'size'],
  'create-dma-window': ['pageSize', 'size'],
  'set-power-state': ['device', 'state'],
  'access-bar': ['device', 'bar', 'offset', 'width', 'write'],
  hotplug: ['device'],
  unplug: ['device'],
  reset: [],
  'add-region': ['name', 'kind', 'address', 'size', 'priority', 'blockSize'],
  'remove-region': ['name'],
  'show-registers': ['name'],
  'show-contents': ['name'],
  'make-readonly': ['name'],
  'make-writable': ['name'],
  'shift-alias': ['name', 'by'],
  'plug-blocks': ['name', 'offset', 'size'],
  'unplug-blocks': ['name', 'offset', 'size'],
  'start-dirty-log': [],
  'stop-dirty-log': [],
  begin: [],
  commit: [],
};

/** Reads one of the `operations` of a scenario. */
export function readOperation(decoder: ScenarioDecoder, value: unknown, path: string): Operation {
  const before = decoder.problems.length;
  const tag = decoder.object(value, path, Object.keys(value ?? {}));
  const op = decoder.oneOf(tag['op'], `${path}.op`, OPERATIONS);
  // Without a valid `op` the allowed keys are unknown; `reset` stands in.
  if (decoder.problems.length > before) return { op: 'reset' };
  const fields = decoder.object(value, path, ['op', ...OPERATION_KEYS[op]]);
  const device = () => decoder.string(fields['device'], `${path}.device`);
  const bar = () => decoder.integer(fields['bar'], `${path}.bar`, 0, 5);
  const barOrRom = () => decoder.integer(fields['bar'], `${path}.bar`, 0, ROM_SLOT);
  const name = () => decoder.string(fields['name'], `${path}.name`);
  const address = () => decoder.number(fields['address'], `${path}.address`, 0n, LAST_ADDRESS);
  switch (op) {
    case 'set-bar':
      return { op, device: device(), bar: bar(), address: address() };
    case 'set-rom':
      return {
        op,
        device: device(),
        address: decoder.number(fields['address'], `${path}.address`, 0n, LAST_32_BIT_VALUE),
        enabled: decoder.boolean(fields['enabled'] ?? true, `${path}.enabled`),
      };
    case 'size-bar':
      return {
        op,
        device: device(),
        bar: barOrRom(),
        ...(fields['probe'] !== undefined && {
          probe: decoder.number(fields['probe'], `${path}.probe`, 1n, LAST_32_BIT_VALUE),
        }),
      };
    case 'mask-vector':
      return {
        op,
        device: device(),
        vector: decoder.integer(fields['vector'], `${path}.vector`, 0, 2047),
        masked: decoder.boolean(fields['masked'] ?? true, `${path}.masked`),
      };
    case 'resize-bar': {
      const size = decoder.number(fields['size'], `${path}.size`, 1n << 20n, 1n << 57n);
      if (!isPowerOfTwo(size)) decoder.report(`${path}.size`, 'expected a power of two');
      return { op, device: device(), bar: bar(), size };
    }
    case 'create-dma-window': {
      const pageSize = decoder.number(fields['pageSize'], `${path}.pageSize`, 0x1000n, 0x100_0000n);
      if (!DMA_WINDOW_PAGES.includes(pageSize))
        decoder.report(`${path}.pageSize`, `expected one of ${DMA_WINDOW_PAGES.map(hex).join(', ')}`);
      const size = decoder.number(fields['size'], `${path}.size`, pageSize, LARGEST_DMA_WINDOW);
      if (!isPowerOfTwo(size)) decoder.report(`${path}.size`, 'expected a power of two');
      return { op, pageSize, size };
    }
    case 'set-power-state':
      return {
        op,
        device: device(),
        state: decoder.oneOf(fields['state'], `${path}.state`, POWER_STATES),
      };
    case 'access-bar':
      return {
        op,
        device: device(),
        bar: barOrRom(),
        offset: offset(decoder.number(fields['offset'], `${path}.offset`, 0n, LAST_ADDRESS >> 1n)),
        width: readWidth(decoder, fields['width'], `${path}.width`),
        write: decoder.boolean(fields['write'] ?? false, `${path}.write`),
      };
    case 'add-region':
      return {
        op,
        name: name(),
        kind: decoder.oneOf(fields['kind'], `${path}.kind`, OVERLAY_KINDS),
        address: address(),
        size: decoder.number(fields['size'], `${path}.size`, 1n, END_OF_SPACE),
        priority: decoder.integer(fields['priority'] ?? 0, `${path}.priority`, -(2 ** 31), 2 ** 31 - 1),
        ...(fields['blockSize'] !== undefined && {
          blockSize: readBlockSize(decoder, fields['blockSize'], `${path}.blockSize`),
        }),
      };
    case 'remove-region':
    case 'show-registers':
    case 'show-contents':
    case 'make-readonly':
    case 'make-writable':
      return { op, name: name() };
    case 'shift-alias':
      return { op, name: name(), by: decoder.number(fields['by'], `${path}.by`, 1n, LAST_ADDRESS >> 1n) };
    case 'plug-blocks':
    case 'unplug-blocks':
      return {
        op,
        name: name(),
        offset: offset(decoder.number(fields['offset'], `${path}.offset`, 0n, LAST_ADDRESS >> 1n)),
        size: decoder.number(fields['size'], `${path}.size`, 1n, END_OF_SPACE >> 1n),
      };
    case 'start-dirty-log':
    case 'stop-dirty-log':
    case 'reset':
    case 'begin':
    case 'commit':
      return { op };
    default:
      return { op, device: device() };
  }
}

/** Bytes of a block of virtio-mem: a power of two. */
function readBlockSize(decoder: ScenarioDecoder, value: unknown, path: string): Size {
  const size = decoder.number(value, path, SMALLEST_BLOCK, LARGEST_BLOCK);
  if (!isPowerOfTwo(size)) decoder.report(path, 'expected a power of two');
  return size;
}

/** How many bytes an access has: 1, 2, 4 or 8. */
function readWidth(decoder: ScenarioDecoder, value: unknown, path: string): CpuAccessWidth {
  const known = ACCESS_WIDTHS.find((width) => width === value);
  if (known !== undefined) return known;
  decoder.report(path, `expected one of ${ACCESS_WIDTHS.join(', ')}`);
  return ACCESS_WIDTHS[0];
}
