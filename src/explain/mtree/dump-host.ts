import { hex, overlaps } from '../../address/index.ts';
import { shortened } from '../../report/index.ts';
import { findNamedHost, type NamedHost } from '../../scenario/index.ts';
import type { ViewRange } from '../../model/index.ts';

/** What the names of regions say of the machine. */
const SIGNS: readonly { readonly pattern: RegExp; readonly host: string; readonly machine: string }[] = [
  {
    pattern:
      /^(?:pc\.(?:ram|bios|rom)|ram-(?:below|above)-4g|(?:kvm-)?apic-msi|hpet|isa-bios|pc\.flash|smram)/,
    host: 'server-46',
    machine: 'x86 (pc or q35)',
  },
  {
    pattern: /^(?:mach-virt\.ram|gic|gpex|pcie-ecam|virt\.flash|pl011)/,
    host: 'arm64-4k',
    machine: 'arm64 (virt)',
  },
  {
    pattern: /^(?:pnv[.-]|xscom|homer-chip)/,
    host: 'power9',
    machine: 'POWER (powernv), with pages of 64 KiB',
  },
  { pattern: /^(?:ppc_spapr|spapr|pci@8)/, host: 'power9', machine: 'POWER (pseries)' },
  {
    pattern: /^(?:riscv|loongarch|s390)/,
    host: 'arm64-4k',
    machine: 'a machine for whose hosts barproof has no model; arm64 comes nearest',
  },
];
/** The interrupt messages of x86: no machine of x86 has RAM there (host fact R1.7.2). */
const X86_MESSAGES = { start: 0xfee0_0000n, end: 0xfef0_0000n };
/** RAM that QEMU moves there on machines with a CPU of AMD. */
const ABOVE_HYPER_TRANSPORT = 0x100_0000_0000n;

/** A host for a dump, and how it was found. */
export interface DumpHost {
  readonly host: NamedHost;
  /** What the host was concluded from; `undefined` where the user named it. */
  readonly because: string | undefined;
}

/** The host that the regions of a view point to. */
export function hostOfDump(names: Iterable<string>, ranges: readonly ViewRange[]): DumpHost {
  for (const name of names) {
    const sign = SIGNS.find(({ pattern }) => pattern.test(name));
    if (sign === undefined) continue;
    const isAmd =
      sign.host === 'server-46' &&
      ranges.some(({ start, type }) => start === ABOVE_HYPER_TRANSPORT && type === 'ram');
    const id = isAmd ? 'amd-server' : sign.host;
    return {
      host: findNamedHost(id)!,
      because: `the region "${shortened(name, 40)}" is one of ${sign.machine}`,
    };
  }
  const ram = ranges.find((range) => range.type === 'ram' && overlaps(range, X86_MESSAGES));
  return ram === undefined
    ? { host: findNamedHost('server-46')!, because: 'no region names the machine' }
    : {
        host: findNamedHost('arm64-4k')!,
        because: `"${shortened(ram.name, 40)}" is RAM at ${hex(X86_MESSAGES.start)}, where x86 has its interrupt messages`,
      };
}
