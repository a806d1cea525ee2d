const ADDRESS = '(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]';
/** The ways in which a line names a device, the surest first. */
const DEVICES: readonly RegExp[] = [
  new RegExp(`\\bvfio(?:-pci)?(?: error)?:? (${ADDRESS})\\b`, 'i'),
  new RegExp(`"host": ?"(${ADDRESS})"`, 'i'),
  new RegExp(`\\bhost=(${ADDRESS})\\b`, 'i'),
  new RegExp(`"?sysfsdev"?[=:] ?"?/sys/[^",]*/(${ADDRESS})(?=[",/]|$|:? )`, 'i'),
  /"?sysfsdev"?[=:] ?"?\/sys\/[^",]*\/([0-9a-f]{8}-[0-9a-f-]{27})\b/i,
  new RegExp(`\\b(${ADDRESS})\\b`, 'i'),
  // libvirt and management programs give their devices names
  /-device \{[^}]*"driver": ?"vfio-pci[^"]*"[^}]*"id": ?"([^"]+)"/,
  /-device vfio-pci\S*?,id=([\w.-]+)/,
];

/** The device that a line of a log names: its address on the host, the UUID of a mediated device, or its id in QEMU. */
export function deviceIn(line: string): string | undefined {
  for (const pattern of DEVICES) {
    const found = pattern.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A region in front of its refused map: `Region pc.ram: vfio_dma_map(…)`, `Region "0000:01:00.0 BAR 0": …`. */
const REGION = /\bRegion "?((?:(?!Region )[^"\n]){1,200}?)"?: ?(?:vfio|iommufd|IOMMU|VFIO)/;

/** The region of QEMU's memory map that a line names in front of a refused map. */
export const regionIn = (line: string): string | undefined => REGION.exec(line)?.[1];

/** Names of memory of devices: `0000:01:00.0 BAR 0 mmaps[0]`, a notifier of vhost-user, a region of a platform device. */
const DEVICE_MEMORY = /\bBAR \d|\bmmaps\[\d+\]|host-notifier|^VFIO /;

/** Whether a region is memory of a device by its name. All others that QEMU maps are RAM: DIMMs, NVDIMMs, ivshmem. */
export const isDeviceMemory = (region: string): boolean => DEVICE_MEMORY.test(region);
