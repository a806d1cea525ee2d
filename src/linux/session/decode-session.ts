import { kernelRules } from '../../host/index.ts';
import { InvalidInput } from '../../input/index.ts';
import { EMULATED_IOMMUS } from '../emulated-iommus.ts';
import { CALLS_OF, CONTAINERS } from './call-forms.ts';
import { decodeDevice } from './decode-device.ts';
import { decodeInfo } from './decode-info.ts';
import { HOST_ARCHITECTURES, type Area, type HostSession, type IommufdInfo } from './host-session.ts';
import { barAreas, DEFAULT_AREAS, isAreaName } from './memory-areas.ts';
import { SessionDecoder } from './session-decoder.ts';

const KEYS = [
  'id',
  'seed',
  'kernel',
  'arch',
  'pageSize',
  'iommu',
  'container',
  'info',
  'calls',
  'console',
] as const;

/** The page sizes that a session may have, in bytes. */
const PAGE_SIZES = [0x1000n, 0x4000n, 0x10000n];

/**
 * Reads a session of host calls from parsed JSON. Only `container` and `calls` are required. The defaults
 * of the other fields are an x86_64 host with pages of 4K, Linux 6.12 and an Intel IOMMU of 48 bits.
 *
 * @throws InvalidInput with every problem and its path
 */
export function decodeSession(value: unknown): HostSession {
  const decoder = new SessionDecoder();
  const fields = decoder.object(value, '', KEYS);
  const arch = decoder.optional(fields['arch'], 'x86_64', (given) =>
    decoder.oneOf(given, 'arch', HOST_ARCHITECTURES),
  );
  const kernel = decoder.optional(fields['kernel'], '6.12', (given) => decoder.string(given, 'kernel'));
  if (!/^\d+\.\d+/.test(kernel))
    decoder.report('kernel', `expected a version such as 6.12, found "${kernel}"`);
  else if (!isModelledKernel(kernel))
    decoder.report('kernel', `expected 4.8 or a later version, found "${kernel}"`);
  const pageSize = decoder.optional(fields['pageSize'], 0x1000n, (given) =>
    decoder.number(given, 'pageSize'),
  );
  if (!PAGE_SIZES.includes(pageSize)) {
    decoder.report('pageSize', 'expected 0x1000, 0x4000 or 0x10000');
  }
  const iommu = decoder.optional(fields['iommu'], 'intel-aw48', (given) => decoder.string(given, 'iommu'));
  const container = decoder.oneOf(fields['container'], 'container', CONTAINERS);
  const info = decodeInfo(decoder, fields['info'] ?? {}, {
    container,
    arch,
    pageSize,
    iommu: EMULATED_IOMMUS.get(iommu),
  });
  const opened = container === 'region' || container === 'iommufd';
  const device = decodeDevice(decoder, info.fields['device'], 'info.device', opened);
  if (container === 'iommufd' && !device.open && (info.info as IommufdInfo).attached)
    decoder.report('info.attached', 'expected false, because the file of the device is not open');
  const areas = decodeAreas(decoder, info.fields['backings']);
  const steps = decoder.array(fields['calls'], 'calls', (call, path) =>
    decoder.step(call, path, CALLS_OF[container]),
  );
  const id = fields['id'] ?? 0;
  if (typeof id !== 'number') decoder.string(id, 'id');
  const seed = decoder.optional(fields['seed'], undefined, (given) => decoder.text(given, 'seed'));
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return {
    ...{ id: id as number | string, seed, kernel, arch, pageSize, iommu, container },
    ...{ info: info.info, device, steps, areas: areas ?? [...DEFAULT_AREAS, ...barAreas(device, pageSize)] },
  } as HostSession;
}

function isModelledKernel(kernel: string): boolean {
  try {
    kernelRules(kernel);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function decodeAreas(decoder: SessionDecoder, value: unknown): Area[] | undefined {
  if (value === undefined) return undefined;
  return decoder.array(value, 'info.backings', (one, path) => {
    const fields = decoder.object(one, path, ['name', 'address', 'size', 'is']);
    const name = decoder.string(fields['name'], `${path}.name`);
    if (!isAreaName(name)) decoder.report(`${path}.name`, `unknown area ${name}`);
    decoder.optional(fields['is'], '', (given) => decoder.text(given, `${path}.is`));
    return {
      name,
      address: decoder.number(fields['address'], `${path}.address`),
      size: decoder.optional(fields['size'], 0n, (given) => decoder.number(given, `${path}.size`)),
    };
  });
}
