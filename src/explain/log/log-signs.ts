import type { CleanLine } from '../text/clean-text.ts';
import type { LogSigns } from './log-finding.ts';

const SIGNS = {
  diedOfMap: /(?:DMA mapping|Memory registering) failed, unable to continue/,
  dead: /unable to continue|closed the monitor|core dumped|Aborted|shutting down, reason=(?:failed|crashed)|terminated by signal|memory listener initialization failed|Failed to start domain/,
  peerToPeer: /PCI peer-to-peer transactions on BARs are not supported|pci p2p may not work/,
  ram: /Region "?(?:pc\.|mach-virt\.|ppc_spapr\.|virt\.|ram|mem\d|\/objects|.*\bram\b)/,
  listener: /memory listener initialization failed/,
  arm64: /qemu-system-aarch64|\baarch64\b|\barm64\b|smmu|mach-virt/i,
  power: /qemu-system-ppc64|\bppc64(?:le)?\b|\bspapr\b|pseries/i,
  x86: /qemu-system-x86_64|\bx86_64\b|\bDMAR\b|AMD-Vi|\bq35\b|OVMF|pc\.ram/,
  iommufd: /iommufd|IOMMU_IOAS/,
  /** QEMU before 8.2 calls its map vfio_dma_map, and has no iommufd. */
  type1: /VFIO_MAP_DMA|\bvfio_dma_map\(/,
} as const;

/** What the lines of a text say together. */
export function logSigns(lines: readonly CleanLine[]): LogSigns {
  const has = (pattern: RegExp): boolean => lines.some(({ text }) => pattern.test(text));
  return {
    isDead: has(SIGNS.dead),
    diedOfMap: has(SIGNS.diedOfMap),
    hasPeerToPeerHint: has(SIGNS.peerToPeer),
    namesRam: has(SIGNS.ram),
    refusedByListener: has(SIGNS.listener),
    architecture: has(SIGNS.arm64)
      ? 'arm64'
      : has(SIGNS.power)
        ? 'power'
        : has(SIGNS.x86)
          ? 'x86'
          : undefined,
    usesIommufd: has(SIGNS.iommufd),
    usesType1: has(SIGNS.type1),
  };
}
