import { BAR_COUNT } from '../../pci-layout/index.ts';
import type { PastedBar } from './pasted-device.ts';

/** A line of the file `resource` in a device's folder of sysfs: start, end and flags. */
const LINE = /^\s*0x([0-9a-f]{8,16})\s+0x([0-9a-f]{8,16})\s+0x([0-9a-f]{8,16})\s*$/i;
/** Flags of Linux's struct resource, as sysfs prints them. */
const [IO, PREFETCHABLE, DISABLED, UNSET, MEM_64] = [0x100n, 0x2000n, 0x1000_0000n, 0x2000_0000n, 0x10_0000n];

export const isResourceLine = (text: string): boolean => LINE.test(text);

/** The BARs in the lines of a file `resource`: the first six lines. The ROM and the BARs of virtual functions follow. */
export function readResource(lines: readonly string[]): readonly PastedBar[] {
  return lines
    .flatMap((line) => {
      const match = LINE.exec(line);
      return match === null
        ? []
        : [match.slice(1).map((digits) => BigInt(`0x${digits}`)) as [bigint, bigint, bigint]];
    })
    .slice(0, BAR_COUNT)
    .flatMap(([start, end, flags], index): PastedBar[] => {
      if (flags === 0n && end === 0n) return [];
      const isIo = (flags & IO) !== 0n;
      const isUnset = (flags & UNSET) !== 0n;
      return [
        {
          index,
          space: isIo ? 'io' : 'memory',
          width: !isIo && (flags & MEM_64) !== 0n ? 64 : 32,
          prefetchable: (flags & PREFETCHABLE) !== 0n,
          address: isUnset ? undefined : start,
          size: end - start + 1n,
          marks: [...(isUnset ? ['unassigned'] : []), ...((flags & DISABLED) === 0n ? [] : ['disabled'])],
        },
      ];
    });
}

/** The BARs of `resource` have sizes and indexes, which the other texts may lack. */
export const mergeResource = (
  bars: readonly PastedBar[],
  resource: readonly PastedBar[],
): readonly PastedBar[] => (resource.length === 0 ? bars : resource);
