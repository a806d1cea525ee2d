import { isAligned, type Size } from '../address/index.ts';
import {
  Errno,
  kernelRules,
  mmapBar,
  regionInfo,
  type RegionInfo,
  type SparseArea,
  type VfioPciBar,
} from '../host/index.ts';
import type { BarAttributes } from '../pci-layout/index.ts';
import type { BarSpec, BarTypeName, DeviceSpec, HostSpec, RomSpec } from '../scenario/index.ts';
import { NEWEST, type HostDevice, type HostRom, type HostRules } from '../vfio/index.ts';

const ATTRIBUTES: Record<BarTypeName, BarAttributes> = {
  io: { type: 'io', prefetchable: false },
  mem32: { type: 'mem32', prefetchable: false },
  mem64: { type: 'mem64', prefetchable: false },
  mem32p: { type: 'mem32', prefetchable: true },
  mem64p: { type: 'mem64', prefetchable: true },
};

const ABSENT: RegionInfo = { size: 0n, flags: { read: false, write: false, mmap: false }, capabilities: [] };

/**
 * The device of the scenario as the host presents it to the VMM: by vfio-pci, or by a vfio-user server.
 *
 * @param rules what this revision's host changes in region info and in the answers to mmap.
 */
export function makeHostDevice(
  spec: DeviceSpec,
  host: HostSpec,
  hostPageSize: Size,
  rules: Pick<HostRules, 'regionInfo' | 'rom' | 'mmap'> = NEWEST.host,
): HostDevice {
  const served = host.iommu.type === 'vfio-user';
  const kernel = kernelRules(host.kernel);
  const specOf = (index: number): BarSpec | undefined => spec.bars.find((bar) => bar.index === index);
  const describe = (bar: BarSpec): VfioPciBar => ({
    index: bar.index,
    bar: { size: bar.size, io: bar.type === 'io', mmappable: bar.mmap },
    msix: spec.msix,
    kernel: kernel.msixMmap,
    hostPageSize,
    sparseAreas: bar.sparse,
  });
  return {
    name: spec.name,
    vendor: spec.vendor,
    device: spec.device,
    isVga: spec.vga ?? false,
    configSize: spec.configSize ?? 0x1000n,
    rom: spec.rom && rules.rom(romOf(spec.rom)),
    msix: spec.msix,
    region: (index) => {
      const bar = specOf(index);
      if (bar === undefined) return ABSENT;
      const info = served ? servedRegionInfo(describe(bar)) : regionInfo(describe(bar));
      return rules.regionInfo(bar.writable === false ? forReadingAlone(info) : info, index);
    },
    barAttributes: (index) => ATTRIBUTES[specOf(index)?.type ?? 'mem32'],
    mmap: (index, area, isWritable = true) => {
      const bar = specOf(index);
      const refused = bar === undefined ? Errno.EINVAL : mmapBar(describe(bar), area.offset, area.size);
      const denied = isWritable && bar?.writable === false ? Errno.EACCES : 0;
      const failed = bar?.mmapError === undefined ? denied : Errno[bar.mmapError];
      const errno = (served ? mmapServedFile(area.offset, hostPageSize) : refused) || failed;
      return rules.mmap(errno, index, area);
    },
    exportDmaBuf: (index, areas) =>
      served || !kernel.iommufd?.mapsDmaBufOfBar
        ? Errno.ENOTTY
        : exportBar(specOf(index)?.size ?? 0n, areas, hostPageSize),
  };
}

/** The expansion ROM: the kernel reports all bytes that the register decodes, or none (host fact R4.3.3). */
const romOf = ({ size, contents = size }: RomSpec): HostRom => ({ size, contents });

/** The info of a region without VFIO_REGION_INFO_FLAG_WRITE: an mmap that is to be written fails. */
const forReadingAlone = (info: RegionInfo): RegionInfo => ({
  ...info,
  flags: { ...info.flags, write: false },
});

/**
 * The region info that a vfio-user server reports for a BAR: the sparse areas of the scenario, and MSIX_MAPPABLE
 * where the kernel of the scenario has it. The server adds no sparse areas by itself.
 */
function servedRegionInfo(bar: VfioPciBar): RegionInfo {
  const { size, mmappable } = bar.bar;
  const capabilities: RegionInfo['capabilities'][number][] = [];
  if (mmappable && bar.sparseAreas !== undefined) capabilities.push({ id: 1, areas: bar.sparseAreas });
  if (mmappable && bar.kernel === 'msix-mappable' && bar.msix?.tableBar === bar.index)
    capabilities.push({ id: 3 });
  return { size, flags: { read: true, write: true, mmap: mmappable }, capabilities };
}

/** A server backs a BAR by an ordinary file, which the VMM can mmap from any page on, with any length. */
const mmapServedFile = (offset: bigint, hostPageSize: Size): Errno =>
  isAligned(offset, hostPageSize) ? 0 : Errno.EINVAL;

/** VFIO_DEVICE_FEATURE_DMA_BUF for areas of a BAR (host fact B1): whole pages inside the BAR. */
const exportBar = (barSize: Size, areas: readonly SparseArea[], hostPageSize: Size): Errno =>
  areas.every(({ offset, size }) => isAligned(offset | size, hostPageSize) && offset + size <= barSize)
    ? 0
    : Errno.EINVAL;
