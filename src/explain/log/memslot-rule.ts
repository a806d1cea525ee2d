import { hex } from '../../address/index.ts';
import { Errno } from '../../host/index.ts';
import { bytes } from '../../report/index.ts';
import { NAMED_HOSTS } from '../../scenario/index.ts';
import { widthOf } from '../limits/map-limit.ts';
import { slotRefusalOn } from '../limits/slot-limit.ts';
import { errorNumber, errorText } from './error-number.ts';
import { barsLike, regionAt } from './find-bar.ts';
import type { LogContext, LogMeaning, LogRule, Remedies } from './log-finding.ts';

/** `KVM_SET_USER_MEMORY_REGION failed, slot=3, start=0x…, size=0x…: Invalid argument`, of all releases. */
const SLOT =
  /(?:KVM_SET_USER_MEMORY_REGION2? failed|kvm_set_user_memory_region|error (?:un)?registering slot).*?start=(?:0x)?([0-9a-f]+),? size=(?:0x)?([0-9a-f]+)(.*)$/i;

/** The trace event of every slot, of which only a refused one is a finding. */
const TRACED = /kvm_set_user_memory\b.*? gpa=(?:0x)?([0-9a-f]+) size=(?:0x)?([0-9a-f]+) .*?ret=(-\d+)/i;

/** A memslot that KVM refused, with its numbers. */
export const memslotRule: LogRule = {
  id: 'memslot',
  pattern: new RegExp(`${SLOT.source}|${TRACED.source}`, 'i'),
  explain(match, context) {
    const start = BigInt(`0x${match[1] ?? match[4]}`);
    const size = BigInt(`0x${match[2] ?? match[5]}`);
    const errno = errorNumber(match[3] ?? match[6]) ?? errorNumber(match[0]) ?? Errno.EINVAL;
    return meaningOfSlot(start, size, errno, context);
  },
};

function meaningOfSlot(start: bigint, size: bigint, errno: number, context: LogContext): LogMeaning {
  const found = regionAt(context.dump, start);
  const bars = found === undefined ? barsLike(context, start, size, 'memslot') : [];
  const { limit, why, remedies } = limitOfSlot(start, size, errno, context);
  return {
    severity: 'fatal',
    verdict: 'fatal: QEMU ends when KVM refuses a memslot',
    limit,
    why: [`${errorText(errno)} for a slot of ${bytes(size)} at ${hex(start)}`, ...why],
    subject:
      found !== undefined ? `${found.name}, by the dump` : bars.length > 0 ? bars.join(' or ') : undefined,
    remedies,
    request: { what: 'memslot', iova: start, size },
  };
}

interface SlotLimit {
  readonly limit: string;
  readonly why: readonly string[];
  readonly remedies: Remedies;
}

/** Addresses that no CPU reaches: the high half of a 64-bit BAR is all ones while the guest sizes the BAR. */
const SIZING = 0xffff_ffff_0000_0000n;
const PAGE_4K = 0x1000n;
const WIDTH_REMEDIES: Remedies = {
  host: ['a CPU with more address bits; the width stands in /proc/cpuinfo ("address sizes")'],
  qemu: [
    'a guest CPU that does not claim more bits than the host: -cpu host, or host-phys-bits=on (libvirt: <maxphysaddr mode="passthrough"/>)',
    'a smaller 64-bit PCI window (pci-hole64-size=, or OVMF opt/ovmf/X-PciMmio64Mb), or less RAM',
  ],
  guest: ['the firmware or the driver that put the BAR there'],
};

function limitOfSlot(start: bigint, size: bigint, errno: number, { host, signs }: LogContext): SlotLimit {
  if (errno === Errno.EEXIST)
    return {
      limit: 'overlap',
      why: ['another slot has a part of these addresses'],
      remedies: {
        qemu: [
          '`info mtree -f` before that moment; report it to QEMU: the slots of a flat view are disjoint',
        ],
      },
    };
  if (errno === Errno.ENOMEM || errno === Errno.ENOSPC)
    return {
      limit: 'memory or number of slots',
      why: ['KVM has no memory, or no free slot'],
      remedies: { qemu: ['fewer small regions; larger blocks of virtio-mem'] },
    };
  if (start >= SIZING)
    return {
      limit: 'CPU width',
      why: [
        'the high half of the address is all ones: the guest was sizing a 64-bit BAR and had left its memory decoding on, so the BAR really stood there for a moment',
        `no CPU reaches ${hex(start)}, and KVM refuses the slot`,
      ],
      remedies: {
        guest: [
          'firmware or a driver that clears the memory enable bit of COMMAND before it sizes BARs (PCI demands it)',
        ],
        qemu: ['x-no-mmap=on for the device: no slot for its BARs, at the price that every access exits'],
      },
    };
  if (start % PAGE_4K !== 0n || size % PAGE_4K !== 0n)
    return alignment(`start ${hex(start)} or size ${hex(size)} is not a multiple of 4 KiB`);
  if (host !== undefined) {
    const refusal = slotRefusalOn(host, start, size);
    if (refusal === undefined)
      return {
        limit: 'unknown',
        why: [`the KVM of ${host.id} makes this slot: the host of the log is another one`],
        remedies: {},
      };
    return {
      limit: refusal.limit,
      why: [`on ${host.id}: ${refusal.why}`],
      remedies: refusal.limit === 'alignment' ? ALIGNMENT : WIDTH_REMEDIES,
    };
  }
  const last = start + size - 1n;
  const refusals = NAMED_HOSTS.map((one) => slotRefusalOn(one, start, size)).filter(
    (refusal) => refusal !== undefined,
  );
  const byWidth = refusals.filter(({ limit }) => limit === 'CPU width' || limit === 'wrap');
  if (byWidth.length > 0 || errno === Errno.EFAULT) {
    const ids = byWidth.map((refusal) => `${refusal.host.id} (${refusal.host.cpu.physBits} bits)`).join(', ');
    const ipa =
      signs.architecture === 'arm64' || errno === Errno.EFAULT
        ? ' On arm64 the limit is that of guest-physical addresses (IPA), and the error EFAULT.'
        : '';
    return {
      limit: 'CPU width',
      why: [
        `the last address ${hex(last)} needs ${widthOf(last)} bits; a CPU with fewer cannot address it${ids === '' ? '' : `: ${ids}`}.${ipa}`,
      ],
      remedies: WIDTH_REMEDIES,
    };
  }
  if (refusals.length > 0)
    return alignment(
      `start ${hex(start)} or size ${hex(size)} is not a multiple of the page of a host with 16 KiB or 64 KiB`,
    );
  return {
    limit: 'unknown',
    why: [
      'every host that barproof knows makes this slot; an older KVM allows fewer slots (509 on x86 before Linux 5.12)',
    ],
    remedies: {},
  };
}

const ALIGNMENT: Remedies = { qemu: ['report it to QEMU: it trims slots to host pages'] };
const alignment = (why: string): SlotLimit => ({ limit: 'alignment', why: [why], remedies: ALIGNMENT });
