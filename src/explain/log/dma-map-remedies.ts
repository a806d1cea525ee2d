import { widthOf } from '../limits/map-limit.ts';
import type { LogContext, MappedMemory, Remedies } from './log-finding.ts';

/** What can be changed against a refused map. */
export function remediesFor(
  limit: string,
  memory: MappedMemory,
  iova: bigint,
  { signs }: LogContext,
): Remedies {
  if (limit.startsWith('IOMMU width')) return widthRemedies(memory, iova);
  if (limit.includes('IOVA ranges of the container')) return containerRemedies();
  if (limit.startsWith('alignment')) return alignmentRemedies(memory);
  if (limit.startsWith('reserved range')) return reservedRemedies(iova);
  switch (limit) {
    case 'lock limit':
      return {
        host: [
          'ulimit -l unlimited, LimitMEMLOCK=infinity of the systemd unit, or --ulimit memlock=-1 of the container; type1 counts each container of devices anew',
        ],
        qemu: [
          'libvirt: <memtune><hard_limit> above RAM plus 1 GiB for each device, or <memoryBacking><locked/>',
        ],
      };
    case 'pinning':
      return {
        host: ['enough huge pages where the RAM is backed by them; no DAX file behind the RAM'],
        guest: memory === 'RAM' ? [] : ['memory decoding on and power state D0 before the BAR moves'],
      };
    case 'BAR by address':
    case 'BAR by address, or pinning':
      return {
        host: ['Linux 6.19 or later (dma-buf of vfio-pci)'],
        qemu: [
          'QEMU 11 or later; or the legacy container (vfio-pci without iommufd=), which maps BARs by address',
        ],
      };
    case 'overlap':
      return {
        qemu: ['`info mtree -f` at that moment shows which regions share addresses; explain reads it'],
      };
    case 'number of mappings':
      return {
        host: ['modprobe vfio_iommu_type1 dma_entry_limit=1000000, before QEMU starts'],
        qemu: ['larger blocks of virtio-mem; iommufd, which has no such limit'],
      };
    default:
      return signs.usesIommufd ? { host: ['dmesg of the host at that moment'] } : {};
  }
}

function widthRemedies(memory: MappedMemory, iova: bigint): Remedies {
  const isHarmless = memory !== 'RAM';
  const lower = `-cpu …,host-phys-bits-limit=39 (libvirt: <maxphysaddr mode="passthrough" limit="39"/>); the guest now uses addresses of ${widthOf(iova)} bits`;
  return {
    host: [
      'the width is that of the hardware (dmesg: "DMAR: Host address width 39"); for Intel also check that the firmware does not limit it',
    ],
    qemu: [
      ...(isHarmless
        ? [
            `a guest CPU with fewer bits, so that the firmware puts BARs lower: ${lower}`,
            'or nothing: if no device uses peer-to-peer DMA, the message has no effect; QEMU 10.0 and later print it once',
          ]
        : [
            'less RAM, with its DIMMs and NVDIMMs above it, so that it ends below the width',
            `for memory that the firmware places (ivshmem): a guest CPU with fewer bits: ${lower}`,
          ]),
    ],
    guest: [
      'OVMF: a smaller 64-bit window (-fw_cfg name=opt/ovmf/X-PciMmio64Mb,string=…); SeaBIOS puts BARs below 4 GiB where they fit',
    ],
  };
}

const containerRemedies = (): Remedies => ({
  host: [
    '/sys/kernel/iommu_groups/N/reserved_regions lists what the host reserves',
    'with vfio-user: the server must accept maps of this range (its DMA limits, and what it reports at the start)',
  ],
  qemu: ['nothing in the options of QEMU: RAM must lie there'],
});

const alignmentRemedies = (memory: MappedMemory): Remedies =>
  memory === 'RAM'
    ? {
        qemu: [
          'RAM whose size and host address are multiples of the host page: memory-backend with align= and a size of whole pages',
        ],
      }
    : {
        host: ['a kernel with pages of 4 KiB'],
        qemu: [
          'QEMU 2.12 or later does not end here; 6.0 and later trim the piece to host pages first',
          'x-msix-relocation=barN moves the MSI-X table out of the BAR, so that no part of a page is left over (explain on `lspci -vv` names the best value)',
        ],
      };

function reservedRemedies(iova: bigint): Remedies {
  const isHyperTransport = iova >= 0xe0_0000_0000n && iova <= 0xff_ffff_ffffn;
  return {
    host: ['/sys/kernel/iommu_groups/N/reserved_regions lists the ranges'],
    qemu: isHyperTransport
      ? [
          'QEMU 7.1 or later and a machine type of 7.1 or later: RAM above 4 GiB moves above 1 TiB on AMD; or less RAM; and a guest CPU with enough bits (host-phys-bits=on)',
        ]
      : ['no RAM or BAR over the range'],
    guest: ['place the BAR elsewhere'],
  };
}
