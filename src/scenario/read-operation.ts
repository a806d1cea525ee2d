import { END_OF_SPACE, LAST_ADDRESS } from '../address/index.ts';
import { OPERATIONS, OVERLAY_KINDS, type Operation } from './scenario.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';

const LAST_32_BIT_VALUE = 0xffff_ffffn;

/** The keys of each operation, apart from `op`. */
const OPERATION_KEYS: Record<Operation['op'], readonly string[]> = {
  'set-bar': ['device', 'bar', 'address'],
  'size-bar': ['device', 'bar', 'probe'],
  'enable-memory': ['device'],
  'disable-memory': ['device'],
  'enable-msix': ['device'],
  'disable-msix': ['device'],
  'mask-vector': ['device', 'vector', 'masked'],
  hotplug: ['device'],
  unplug: ['device'],
  reset: [],
  'add-region': ['name', 'kind', 'address', 'size', 'priority'],
  'remove-region': ['name'],
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
  const name = () => decoder.string(fields['name'], `${path}.name`);
  const address = () => decoder.number(fields['address'], `${path}.address`, 0n, LAST_ADDRESS);
  switch (op) {
    case 'set-bar':
      return { op, device: device(), bar: bar(), address: address() };
    case 'size-bar':
      return {
        op,
        device: device(),
        bar: bar(),
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
    case 'add-region':
      return {
        op,
        name: name(),
        kind: decoder.oneOf(fields['kind'], `${path}.kind`, OVERLAY_KINDS),
        address: address(),
        size: decoder.number(fields['size'], `${path}.size`, 1n, END_OF_SPACE),
        priority: decoder.integer(fields['priority'] ?? 0, `${path}.priority`, -(2 ** 31), 2 ** 31 - 1),
      };
    case 'remove-region':
      return { op, name: name() };
    case 'reset':
    case 'begin':
    case 'commit':
      return { op };
    default:
      return { op, device: device() };
  }
}
