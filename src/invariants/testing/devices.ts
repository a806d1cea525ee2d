import { offset } from '../../address/index.ts';
import type { MsixLayout } from '../../pci-layout/index.ts';
import type { BarState, DeviceState } from '../../trace/index.ts';

/** A BAR with the regions that QEMU makes for it: the wrapper, the BAR, and one mmap of the whole BAR. */
export const bar = (
  index: number,
  size: bigint,
  more: Partial<Omit<BarState, 'index' | 'size'>> & { readonly device?: string } = {},
): BarState => {
  const { device = 'dev0', ...rest } = more;
  const name = `${device} BAR ${index}`;
  return {
    index,
    size,
    type: 'mem32',
    address: undefined,
    layers: [
      { region: `${device} base BAR ${index}`, offset: offset(0n) },
      { region: name, offset: offset(0n) },
      { region: `${name} mmaps[0]`, offset: offset(0n) },
    ],
    ...rest,
  };
};

export const layout = (
  vectors: number,
  tableOffset: bigint,
  pbaOffset: bigint,
  [tableBar, pbaBar]: readonly [number, number] = [0, 0],
): MsixLayout => ({
  vectors,
  tableBar,
  tableOffset: offset(tableOffset),
  pbaBar,
  pbaOffset: offset(pbaOffset),
});

/** A plugged-in device. Its MSI-X table is emulated at the place in `msix`, unless `emulatedAt` names another. */
export const device = (
  bars: readonly BarState[],
  msix?: MsixLayout,
  more: {
    readonly id?: string;
    readonly emulatedAt?: { readonly bar: number; readonly offset: bigint } | undefined;
    readonly pbaAt?: { readonly bar: number; readonly offset: bigint };
  } = {},
): DeviceState => {
  const at =
    'emulatedAt' in more ? more.emulatedAt : msix && { bar: msix.tableBar, offset: msix.tableOffset };
  return {
    id: more.id ?? 'dev0',
    bars,
    msix: msix && {
      layout: msix,
      enabled: false,
      functionMasked: false,
      emulatedAt: at && { bar: at.bar, offset: offset(at.offset) },
      ...(more.pbaAt && { pbaAt: { bar: more.pbaAt.bar, offset: offset(more.pbaAt.offset) } }),
    },
  };
};
