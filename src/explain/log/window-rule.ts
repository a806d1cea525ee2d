import { bytes } from '../../report/index.ts';
import { deviceIn } from './line-subject.ts';
import type { LogRule, Remedies } from './log-finding.ts';

const NAME = String.raw`(bridge window|VF BAR \d+|BAR \d+|ROM)`;
const RESOURCE = String.raw`\[((?:io|mem)\b[^\]]{0,80})\]`;
const FAILS = String.raw`(?:no space|failed to assign|can'?t assign)`;
/** `BAR 14: no space for [mem size 0x200000]`, and since Linux 6.8 `bridge window [mem size 0x200000]: can't assign`. */
const PATTERN = new RegExp(`${NAME} ${RESOURCE}:? ${FAILS}|${NAME}: (?:${FAILS})(?: for)? ${RESOURCE}`);

type Window = 'I/O' | '32-bit' | '64-bit';

/** What a bridge routes through which of its windows (PCI-to-PCI bridge specification 1.2, section 3.2.5). */
const LIMITS: Readonly<
  Record<Window, { readonly limit: string; readonly why: string; readonly remedies: Remedies }>
> = {
  'I/O': {
    limit: 'I/O window',
    why: 'I/O ports go through the I/O window of the bridge above, which is too small or closed: a machine has 64 KiB of ports, and a bridge takes at least 4 KiB of them',
    remedies: {
      qemu: ['pcie-root-port,io-reserve=4K (io-reserve=0 on ports whose devices need none)'],
      host: ['few devices need their I/O BAR; most work by their memory BARs'],
    },
  },
  '32-bit': {
    limit: 'PCI window below 4 GiB',
    why: 'memory that is not both 64-bit and prefetchable lies below 4 GiB, in the memory window of the bridge above, which is too small',
    remedies: {
      qemu: [
        'pcie-root-port,mem-reserve=SIZE (pref32-reserve=SIZE for prefetchable memory of 32 bits)',
        'less RAM below 4 GiB (pc, q35: max-ram-below-4g=2G) where the window of the whole machine is full',
      ],
      guest: ['Linux: pci=realloc'],
      host: [
        'the same line in the log of the host: fewer devices, or pci=realloc; the window above 4 GiB does not help',
      ],
    },
  },
  '64-bit': {
    limit: 'PCI window of 64 bits',
    why: 'the prefetchable window of the bridge above is too small: in a guest the windows are those of QEMU’s machine and of the root port',
    remedies: {
      qemu: [
        'pcie-root-port,pref64-reserve=SIZE; a larger pci-hole64-size (pc, q35) or highmem-mmio-size (virt)',
      ],
      guest: ['OVMF: opt/ovmf/X-PciMmio64Mb; Linux: pci=realloc'],
      host: ['the same line in the log of the host: above-4G decoding in the firmware, pci=realloc'],
    },
  },
};

/** The resources of a function in Linux with SR-IOV: six BARs, the ROM, six BARs of VFs, and the windows of a bridge. */
const [ROM, FIRST_OF_VFS, FIRST_WINDOW] = [6, 7, 13];
const WINDOWS: readonly string[] = [
  'I/O window',
  'memory window',
  'prefetchable window',
  'second memory window',
];

/** A BAR, or the window of a bridge, for which the kernel of host or guest has no addresses. */
export const windowRule: LogRule = {
  id: 'bar-not-assigned',
  pattern: PATTERN,
  explain(match) {
    const name = (match[1] ?? match[3])!;
    const resource = (match[2] ?? match[4])!;
    const { limit, why, remedies } = LIMITS[windowOf(resource)];
    const what = partOf(name);
    const size = sizeOf(resource);
    const device = deviceIn(match.input);
    return {
      severity: 'goes on',
      verdict: consequenceOf(what.kind),
      limit,
      subject: `${what.name}${device === undefined ? '' : ` of ${device}`}${size === undefined ? '' : `, ${bytes(size)}`}`,
      why: [why],
      remedies,
    };
  },
};

function windowOf(resource: string): Window {
  if (resource.startsWith('io')) return 'I/O';
  return /\b64bit pref\b/.test(resource) ? '64-bit' : '32-bit';
}

interface Part {
  readonly kind: 'BAR' | 'ROM' | 'BAR of VFs' | 'window';
  readonly name: string;
}

function partOf(name: string): Part {
  if (name === 'bridge window') return { kind: 'window', name: 'a window of the bridge' };
  if (name === 'ROM') return { kind: 'ROM', name };
  if (name.startsWith('VF ')) return { kind: 'BAR of VFs', name };
  const index = Number(name.slice('BAR '.length));
  if (index < ROM) return { kind: 'BAR', name };
  if (index === ROM) return { kind: 'ROM', name: 'the ROM (BAR 6)' };
  if (index < FIRST_WINDOW)
    return { kind: 'BAR of VFs', name: `BAR ${index - FIRST_OF_VFS} of the VFs (BAR ${index})` };
  return { kind: 'window', name: `the ${WINDOWS[index - FIRST_WINDOW] ?? 'window'} (BAR ${index})` };
}

function consequenceOf(kind: Part['kind']): string {
  switch (kind) {
    case 'BAR':
      return 'the BAR has no address, so its driver cannot work; QEMU goes on';
    case 'ROM':
      return 'the ROM has no address: harmless unless firmware boots from it; QEMU goes on';
    case 'BAR of VFs':
      return 'the virtual functions (VFs) cannot be made; the physical function works, and QEMU goes on';
    case 'window':
      return 'the bridge does not get this window, so BARs behind the bridge stay without address; QEMU goes on';
  }
}

/** `mem size 0x200000`, `mem 0xe0000000-0xe01fffff 64bit`. */
function sizeOf(resource: string): bigint | undefined {
  const size = /\bsize (0x[0-9a-f]{1,16})\b/.exec(resource)?.[1];
  if (size !== undefined) return BigInt(size);
  const range = /(0x[0-9a-f]{1,16})-(0x[0-9a-f]{1,16})/.exec(resource);
  return range === null ? undefined : BigInt(range[2]!) - BigInt(range[1]!) + 1n;
}
