import { hex } from '../../address/index.ts';
import { Errno } from '../../host/index.ts';
import { bytes } from '../../report/index.ts';
import type { MapRequest } from '../limits/map-limit.ts';
import { limitsOf } from './dma-map-limits.ts';
import { remediesFor } from './dma-map-remedies.ts';
import { errorNumber, errorText } from './error-number.ts';
import { barsLike, regionAt } from './find-bar.ts';
import { deviceIn, isDeviceMemory, regionIn } from './line-subject.ts';
import type { LogContext, LogMeaning, LogRule, MappedMemory } from './log-finding.ts';
import { CONSEQUENCES, type Consequence } from './map-consequences.ts';

const NUMBER = '(?:0x)?([0-9a-f]{1,16})';
/** `vfio_container_dma_map(CONTAINER, IOVA, SIZE, HOST ADDRESS) = -22 (Invalid argument)`, in all its names. */
const CALL = new RegExp(
  `\\b((?:vfio_(?:container_|legacy_|user_)?dma_map|iommufd_(?:cdev_|backend_)?map(?:_file)?(?:_dma)?)) ?\\((?:(?:0x[0-9a-f]+|\\(nil\\)|0), *)?${NUMBER}, *${NUMBER}(?:, *(?:0x([0-9a-f]+)|\\(nil\\)|0))?\\) *= *(-?\\d+)(?: *\\(([^)]*)\\))?`,
  'i',
);

/** The trace events of iommufd, of which only a refused map is a finding. */
const TRACED =
  /\b(iommufd_backend_map(?:_file)?_dma)\s+iommufd=-?\d+ ioas=\d+ iova=(?:0x)?([0-9a-f]{1,16}) size=(?:0x)?([0-9a-f]{1,16}) (?:addr=(?:0x([0-9a-f]+)|\(nil\))|fd=\d+ start=\d+) readonly=\d \((-\d+)\)/i;

/** A refused map with its numbers. */
export const dmaMapRule: LogRule = {
  id: 'dma-map',
  pattern: new RegExp(`${CALL.source}|${TRACED.source}`, 'i'),
  explain(match, context) {
    const [, call, iova, size, vaddr, number, words] =
      match[1] === undefined ? match.slice(6) : (match as readonly (string | undefined)[]);
    const request = {
      iova: BigInt(`0x${iova}`),
      size: BigInt(`0x${size}`),
      hostAddress: vaddr === undefined ? undefined : BigInt(`0x${vaddr}`),
    };
    const printed = errorNumber(number) ?? errorNumber(words) ?? Errno.EINVAL;
    const errno = context.errorAbove ?? printed;
    const meaning = meaningOfMap({ ...request, call: call!, line: match.input }, errno, context);
    if (errno === printed) return meaning;
    const [first, ...rest] = meaning.why;
    return { ...meaning, why: [`${first!}, ${saidAbove(printed)}`, ...rest] };
  },
};

/** QEMU prints the first line before it reads the number again for the second one. */
const saidAbove = (printed: number): string =>
  `by the line above: QEMU printed that line first, and the number in this one, ${errorText(printed)}, is of the printing`;

const UNKNOWN_OF_THREE = 'alignment, IOMMU width, or a reserved range';
const WHERE_NUMBERS_ARE =
  'give the line with the addresses; dmesg of the host names the width ("iommu width (39) is not sufficient"), and /sys/kernel/iommu_groups/N/reserved_regions the reserved ranges';

/** `VFIO_MAP_DMA: -22`, or `VFIO_MAP_DMA failed: Invalid argument`: the numbers stand in another line, or nowhere. */
export const bareMapRule: LogRule = {
  id: 'dma-map-without-numbers',
  pattern:
    /(?:VFIO_MAP_DMA|IOMMU_IOAS_MAP(?:_FILE)?)(?: failed)?:? ?(-?\d+|[A-Z][a-z]+(?: [a-z]+)+)?|memory listener initialization failed(?: for container)?:? ?([A-Z][a-z]+ [a-z]+)?/,
  explain(match, context) {
    const errno = errorNumber(match[1] ?? match[2]);
    const memory: MappedMemory = match[0].startsWith('memory listener') ? 'RAM' : 'RAM or a BAR';
    const { severity, verdict } = consequence('', memory, context);
    const subject = subjectOfLine(match.input);
    const { limit, why } =
      errno === undefined || errno === Errno.EINVAL
        ? {
            limit: UNKNOWN_OF_THREE,
            why: [
              'the line has no addresses, so that the three cannot be told apart; the line with vfio_dma_map(…) or vfio_container_dma_map(…) beside it has them',
            ],
          }
        : limitOfError(
            { iova: 0n, size: 0n, hostAddress: undefined, deviceMemory: false },
            errno,
            memory,
            context,
          );
    return {
      severity,
      verdict,
      limit,
      subject,
      why: errno === undefined ? why : [errorText(errno), ...why],
      remedies:
        limit === UNKNOWN_OF_THREE ? { host: [WHERE_NUMBERS_ARE] } : remediesFor(limit, memory, 0n, context),
    };
  },
};

/** The error in a match of `bareMapRule`, where the line is of one map: `VFIO_MAP_DMA failed: Cannot allocate memory`. */
export const errorOfMap = (match: RegExpExecArray): number | undefined =>
  match[0].includes('listener') ? undefined : errorNumber(match[1]);

interface LoggedMap extends Omit<MapRequest, 'deviceMemory'> {
  readonly call: string;
  readonly line: string;
}

function meaningOfMap(map: LoggedMap, errno: number, context: LogContext): LogMeaning {
  const found = regionAt(context.dump, map.iova);
  const bars = found === undefined ? barsLike(context, map.iova, map.size, 'dma-map') : [];
  const memory = memoryOf(map, found?.deviceMemory, bars.length > 0, context);
  const isOfDump = found !== undefined && found.deviceMemory === (memory === 'BAR');
  const subject = isOfDump
    ? `${found.name}, by the dump`
    : memory !== 'RAM' && bars.length > 0
      ? bars.join(' or ')
      : (subjectOfLine(map.line) ??
        (memory === 'BAR' ? `a BAR at ${hex(map.iova)} of the guest, by its address and size` : undefined));
  const { limit, why } = limitOfError(
    { ...map, deviceMemory: memory === 'BAR' },
    errno,
    memory,
    hintsOf(map.call, context),
  );
  const { severity, verdict } = consequence(map.call, memory, context);
  return {
    severity,
    verdict,
    limit,
    why: [`${errorText(errno)} for ${bytes(map.size)} at ${hex(map.iova)}`, ...why],
    subject,
    remedies: remediesFor(limit, memory, map.iova, context),
    request: { what: 'DMA map', iova: map.iova, size: map.size },
  };
}

/** The region that the line names, and the device for which QEMU mapped the region. */
function subjectOfLine(line: string): string | undefined {
  const [region, device] = [regionIn(line), deviceIn(line)];
  if (region === undefined || device === undefined || region.includes(device))
    return region ?? forDevice(device);
  return `${region}, ${forDevice(device)}`;
}

const forDevice = (device: string | undefined): string | undefined =>
  device === undefined ? undefined : `while QEMU adds ${device}`;

/** A call of iommufd's own says as much as a line that names iommufd. */
const hintsOf = (call: string, context: LogContext): LogContext =>
  call.startsWith('iommufd') ? { ...context, signs: { ...context.signs, usesIommufd: true } } : context;

/** Guest RAM seldom reaches so high; PCI windows begin there. */
const HIGH = 1n << 38n;
/**
 * The PCI windows below 4 GiB, in which no machine has RAM: on pc and q35 RAM ends at 3.5 GiB at the latest, and the
 * window of arm64's virt lies below its RAM. Firmware and the APICs follow the window of x86.
 */
const LOW_WINDOWS = {
  x86: { start: 0xe000_0000n, end: 0xfec0_0000n },
  arm64: { start: 0x1000_0000n, end: 0x3eff_0000n },
} as const;

function isInLowWindow(
  { iova, size }: Pick<LoggedMap, 'iova' | 'size'>,
  architecture: LogContext['signs']['architecture'],
): boolean {
  if (architecture !== 'x86' && architecture !== 'arm64') return false;
  const { start, end } = LOW_WINDOWS[architecture];
  return start <= iova && iova + size <= end;
}

const LISTENER = /memory listener initialization failed/;
/** QEMU warns of a map of device memory alone: that of RAM is an error (vfio fact 6.8). */
const WARNING = /\bwarning: .*\bvfio_container_dma_map\(/;

function memoryOf(
  { iova, size, line }: LoggedMap,
  isDeviceByDump: boolean | undefined,
  likeBar: boolean,
  { signs }: LogContext,
): MappedMemory {
  // For a BAR, QEMU never refuses the device (vfio fact 6.8).
  if (LISTENER.test(line)) return 'RAM';
  if (WARNING.test(line)) return 'BAR';
  const region = regionIn(line);
  if (region !== undefined) return isDeviceMemory(region) ? 'BAR' : 'RAM';
  if (isDeviceByDump !== undefined) return isDeviceByDump ? 'BAR' : 'RAM';
  if (likeBar || signs.hasPeerToPeerHint) return 'BAR';
  if (iova === 0n || iova === 0x4000_0000n || iova === 0x1_0000_0000n) return 'RAM';
  // The line that refuses the device may stand behind the line of the map. QEMU 2.11 says so of a BAR, too.
  if (signs.refusedByListener) return 'RAM or a BAR';
  // A BAR or a part of one: RAM of a machine that large would come in larger pieces.
  if (iova >= HIGH && size <= 1n << 36n) return 'BAR';
  if (isInLowWindow({ iova, size }, signs.architecture)) return 'BAR';
  if (signs.namesRam) return 'RAM';
  return 'RAM or a BAR';
}

function consequence(call: string, memory: MappedMemory, { signs }: LogContext): Consequence {
  if (signs.isDead && memory !== 'BAR')
    return { severity: 'fatal', verdict: 'fatal: QEMU does not start, or ends' };
  if (signs.diedOfMap)
    return {
      severity: 'fatal',
      verdict:
        'fatal: QEMU ended because of this map. Only QEMU before 2.12 does so for a BAR; later releases go on, without peer-to-peer DMA to it',
    };
  if (memory === 'BAR') {
    const isNew = !call.startsWith('vfio_dma_map');
    return {
      severity: 'goes on',
      verdict: `not fatal${isNew ? '' : ' since QEMU 2.12'}: QEMU goes on. Other assigned devices cannot reach these bytes by DMA (no peer-to-peer); CPU accesses, and DMA to RAM, are as before`,
    };
  }
  return CONSEQUENCES[memory];
}

function limitOfError(
  request: MapRequest,
  errno: number,
  memory: MappedMemory,
  context: LogContext,
): { limit: string; why: readonly string[] } {
  switch (errno) {
    case Errno.EINVAL: {
      const guesses = limitsOf(request, context);
      if (guesses.length === 0)
        return {
          limit: 'unknown',
          why: [
            context.host === undefined
              ? 'the numbers cross none of the limits that barproof knows; /sys/kernel/iommu_groups/N/reserved_regions of the host lists further reserved ranges'
              : `${context.host.id} maps this range: the host of the log is another one, or reserves more (/sys/kernel/iommu_groups/N/reserved_regions)`,
          ],
        };
      return {
        limit: guesses.map(({ limit }) => limit).join(', or '),
        why: guesses.map(({ limit, why }) => (guesses.length === 1 ? why : `${limit}: ${why}`)),
      };
    }
    case Errno.ENOMEM:
      return {
        limit: 'lock limit',
        why: [
          'the kernel pins all RAM of the guest, and the process may not lock so much memory (RLIMIT_MEMLOCK), or the host has no memory left',
        ],
      };
    case Errno.EFAULT:
      return pinning(memory, context);
    case Errno.EEXIST:
      return {
        limit: 'overlap',
        why: [
          'a part of the range is mapped already: a device moved and the old mapping stayed, or two BARs have one address',
        ],
      };
    case Errno.ENOSPC:
      return {
        limit: 'number of mappings',
        why: [
          'the container has 65535 mappings, the default of vfio_iommu_type1.dma_entry_limit: many small pieces, or a vIOMMU without huge pages',
        ],
      };
    case Errno.EOVERFLOW:
      return {
        limit: 'wrap',
        why: ['the range ends above 2^64 (Linux 6.18 and later say EOVERFLOW, older ones EINVAL)'],
      };
    case Errno.EBUSY:
      return { limit: 'busy', why: ['the range is in use by an older mapping'] };
    case Errno.ENODEV:
      return {
        limit: 'memory decode',
        why: [
          'the BAR is exported as a dma-buf, and its memory decoding is off or the device is in a low-power state',
        ],
      };
    default:
      return {
        limit: 'unknown',
        why: [
          `the kernel refuses no map with ${errorText(errno)}: QEMU printed "VFIO_MAP_DMA failed: …" first, and the number in this line is of the printing. The line above has the error of the kernel`,
        ],
      };
  }
}

function pinning(memory: MappedMemory, { signs }: LogContext): { limit: string; why: readonly string[] } {
  const ram =
    'RAM: the kernel cannot pin the memory: a hole or a page without permission, huge pages that ran out, a file on a file system that forbids it (DAX), or memory of another driver';
  const byAddress =
    'BAR: iommufd cannot map a BAR by its address; from Linux 6.19 and QEMU 11 on QEMU hands in a dma-buf instead';
  const unreadable =
    "BAR: type1 reads the BAR's page when it maps: the device's memory decoding was off, or the device was in D3, or in a reset";
  if (memory === 'RAM') return { limit: 'pinning', why: [ram] };
  const ofBar = signs.usesIommufd ? [byAddress] : signs.usesType1 ? [unreadable] : [byAddress, unreadable];
  if (memory !== 'BAR') return { limit: 'pinning', why: [ram, ...ofBar] };
  return {
    limit: signs.usesIommufd ? 'BAR by address' : signs.usesType1 ? 'pinning' : 'BAR by address, or pinning',
    why: ofBar,
  };
}
