import { hex } from '../../address/index.ts';
import { NAMED_HOSTS } from '../../scenario/index.ts';
import { refusalOn, reservedRange, widthOf, type MapRequest } from '../limits/map-limit.ts';
import type { LogContext } from './log-finding.ts';

/** A limit that a refused map may have crossed. */
export interface LimitGuess {
  readonly limit: string;
  readonly why: string;
}

const [PAGE_4K, PAGE_16K, PAGE_64K] = [0x1000n, 0x4000n, 0x1_0000n];
/** The width of IOMMUs of laptops and desktops of Intel; wider ones have 42, 46, 48 or 52 bits. */
const NARROWEST = 39;
const NARROWEST_OF_SERVERS = 48;
/** The PCI window of arm64's virt above RAM, where the addresses of width 40 are ordinary ones. */
const VIRT_WINDOW = { start: 0x80_0000_0000n, end: 0x100_0000_0000n };

/**
 * The limits that a map refused with EINVAL crosses, the likeliest first; empty if barproof knows none. With a named
 * host the model of that host is asked.
 */
export function limitsOf(request: MapRequest, { host, signs }: LogContext): readonly LimitGuess[] {
  if (host !== undefined) {
    const refusal = refusalOn(host, request);
    return refusal === undefined ? [] : [{ limit: refusal.limit, why: `on ${host.id}: ${refusal.why}` }];
  }
  const { iova, size } = request;
  const last = iova + size - 1n;
  const guesses: LimitGuess[] = [];
  const misaligned = misalignedBelow(request, PAGE_4K);
  if (misaligned !== undefined)
    return [
      {
        limit: 'alignment',
        why: `not a multiple of 4 KiB: ${misaligned}. 4 KiB is the smallest page of any host`,
      },
    ];
  const reserved = reservedRange(iova, last);
  const isX86Hole =
    reserved !== undefined &&
    (signs.architecture ?? 'x86') === 'x86' &&
    !reserved.name.includes('Arm') &&
    !reserved.name.includes('virtio');
  const isArmHole = reserved !== undefined && signs.architecture === 'arm64' && !isX86Hole;
  if (reserved !== undefined && (isX86Hole || isArmHole))
    guesses.push({
      limit: 'reserved range',
      why: `${hex(iova)}-${hex(last)} meets ${hex(reserved.start)}-${hex(reserved.end)}, which hosts reserve for ${reserved.name}`,
    });
  const coarse = coarsePage(request);
  const bits = widthOf(last);
  const isArmOrPower = signs.architecture === 'arm64' || signs.architecture === 'power';
  if (bits > (isArmOrPower ? NARROWEST_OF_SERVERS : NARROWEST)) {
    guesses.push({
      limit: 'IOMMU width',
      why: `the last address ${hex(last)} needs ${bits} bits. An IOMMU with fewer cannot translate it: ${refusing(request)}`,
    });
  }
  // Hosts of x86 have pages of 4 KiB, and the guest of KVM is of the host's architecture.
  if (coarse !== undefined && signs.architecture !== 'x86') {
    const guess = {
      limit: 'alignment',
      why: `not a multiple of ${coarse.page}: ${coarse.what}. On a host with pages of ${coarse.page} (arm64, POWER) the kernel maps whole pages only`,
    };
    // In the window of virt an address of 40 bits is ordinary, and pages of 64K are not rare.
    const inVirtWindow = iova >= VIRT_WINDOW.start && last < VIRT_WINDOW.end;
    if (isArmOrPower || inVirtWindow) guesses.unshift(guess);
    else if (guesses.length === 0 || (signs.architecture === undefined && !isTopEighth(iova, bits)))
      guesses.push(guess);
  }
  return guesses;
}

/** Firmware of x86 puts 64-bit BARs into the last eighth of what the CPU addresses. */
const isTopEighth = (address: bigint, bits: number): boolean => address >> BigInt(bits - 3) === 7n;

/** The named hosts that refuse the map because of their width. */
function refusing(request: MapRequest): string {
  const ids = NAMED_HOSTS.filter(({ iommu }) => iommu.types.includes('type1'))
    .filter((host) => refusalOn(host, request)?.limit === 'IOMMU width')
    .map(({ id }) => id);
  return ids.length === 0
    ? 'widths of 39, 42, 46, 48, 52 and 57 bits occur'
    : `of the hosts that barproof knows ${ids.join(', ')} refuse${ids.length === 1 ? 's' : ''} it`;
}

function misalignedBelow({ iova, size, hostAddress }: MapRequest, page: bigint): string | undefined {
  const parts = [
    ['the IOVA', iova],
    ['the size', size],
    ['the host address', hostAddress ?? 0n],
  ] as const;
  const bad = parts
    .filter(([, value]) => value % page !== 0n)
    .map(([name, value]) => `${name} ${hex(value)}`);
  return bad.length === 0 ? undefined : bad.join(' and ');
}

function coarsePage(request: MapRequest): { what: string; page: string } | undefined {
  const on64 = misalignedBelow(request, PAGE_64K);
  if (on64 === undefined) return undefined;
  const on16 = misalignedBelow(request, PAGE_16K);
  return on16 === undefined ? { what: on64, page: '64 KiB' } : { what: on16, page: '16 KiB or 64 KiB' };
}
