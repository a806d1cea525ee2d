import type { Size } from '../../address/index.ts';
import { RELOCATIONS, type Relocation } from '../../scenario/index.ts';
import type { DeviceOnHost } from './device-spec.ts';
import { NEWEST_KERNEL, NEWEST_QEMU } from './releases.ts';
import { barsSeen, tryDevice } from './try-device.ts';

/** What a value of `x-msix-relocation` does on each host. */
export interface RelocationRow {
  readonly relocation: Relocation;
  /** QEMU's message where it refuses the value. */
  readonly refused: string | undefined;
  /** Bytes of the BAR that takes table and PBA, for each host; empty for `off` and where QEMU refuses the value. */
  readonly barSizes: readonly Size[];
  /** Bytes by which the guest's BARs grow, on all hosts together. */
  readonly growth: Size;
  /** Trapped bytes of the device's own BARs, for each host. */
  readonly trapped: readonly Size[];
}

/** All values of `x-msix-relocation`, and the one that leaves the fewest bytes trapped. */
export interface Relocations {
  readonly rows: readonly RelocationRow[];
  /** `undefined` where no value is better than `off`, or where QEMU refuses every value. */
  readonly best: Relocation | undefined;
}

/** Tries every value of `x-msix-relocation`, with the newest QEMU and kernel. */
export function relocationsOf(places: readonly DeviceOnHost[]): Relocations {
  const rows = RELOCATIONS.map((relocation) => rowOf(places, relocation));
  const off = rows.find(({ relocation }) => relocation === 'off')!;
  // A device that QEMU refuses as it is may start with its table elsewhere.
  const isBetter = ({ refused, trapped }: RelocationRow): boolean =>
    refused === undefined && (off.refused !== undefined || sum(trapped) < sum(off.trapped));
  const best = rows
    .filter(isBetter)
    .toSorted((a, b) => compare(sum(a.trapped), sum(b.trapped)) || compare(a.growth, b.growth))[0];
  return { rows, best: best?.relocation };
}

function rowOf(places: readonly DeviceOnHost[], relocation: Relocation): RelocationRow {
  const trials = places.map(({ device, host }) =>
    tryDevice(device, {
      host,
      kernel: NEWEST_KERNEL,
      iommu: host.iommu.types[0]!,
      revision: NEWEST_QEMU,
      relocation,
    }),
  );
  const failed = trials.find(({ outcome }) => outcome !== 'ok');
  const index = Number(relocation.slice('bar'.length));
  const sizes =
    failed !== undefined || !relocation.startsWith('bar')
      ? []
      : trials.map(({ trace }) => barsSeen(trace).find((bar) => bar.index === index)?.size ?? 0n);
  const before = places[0]!.device.bars.find((bar) => bar.index === index)?.size ?? 0n;
  return {
    relocation,
    refused: failed === undefined ? undefined : (failed.error ?? failed.outcome),
    barSizes: sizes,
    growth: sizes.length === 0 ? 0n : sum(sizes) - before * BigInt(sizes.length),
    trapped: trials.map(({ trapped }) => trapped),
  };
}

const sum = (sizes: readonly Size[]): Size => sizes.reduce((total, size) => total + size, 0n);
const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
