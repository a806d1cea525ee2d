import type { Range } from '../address/index.ts';
import type { BarTypeName, DeviceSpec, Scenario } from '../scenario/index.ts';

/** A part of a BAR in which a graphics card shows its configuration space. */
interface Mirror {
  readonly vendor: number;
  readonly bar: number;
  /** The BAR types of which cards have the mirror; left out where the type does not matter. */
  readonly types?: readonly BarTypeName[];
  readonly start: bigint;
  /** Bytes; left out where the mirror shows all that the host gives access to. */
  readonly size?: bigint;
}

/**
 * The mirrors of NVIDIA and ATI (vfio fact 5.19); that of ATI shows the configuration space of conventional PCI alone. No
 * other part of a BAR is a reason for a VMM to answer in the device's place, apart from MSI-X.
 */
const MIRRORS: readonly Mirror[] = [
  { vendor: 0x10de, bar: 0, start: 0x8_8000n },
  { vendor: 0x1002, bar: 2, types: ['mem64', 'mem64p'], start: 0x4000n, size: 0x100n },
];

/**
 * The bytes of a BAR that mirror the configuration space of a graphics card; `undefined` where a BAR has no mirror, or is
 * too small for it. A device behind vfio-user has none: its server shows what it likes (vfio fact 5.19).
 *
 * @param bar index of a BAR of the device.
 */
export function configMirror(
  { host }: Pick<Scenario, 'host'>,
  { vga, vendor, bars, configSize = 0x1000n }: DeviceSpec,
  bar: number,
): Range | undefined {
  const spec = bars.find(({ index }) => index === bar);
  if (vga !== true || spec === undefined || host.iommu.type === 'vfio-user') return undefined;
  const mirror = MIRRORS.find((one) => one.vendor === vendor && one.bar === bar);
  if (mirror === undefined || mirror.types?.includes(spec.type) === false) return undefined;
  const end = mirror.start + (mirror.size ?? configSize);
  return end > spec.size ? undefined : { start: mirror.start, end };
}
