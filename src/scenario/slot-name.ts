import { ROM_SLOT } from '../pci-layout/index.ts';

/** `BAR 0`, or `ROM` for the expansion ROM. */
export const slotName = (index: number): string => (index === ROM_SLOT ? 'ROM' : `BAR ${index}`);

/** A BAR or the expansion ROM of a device as text. */
export const barText = (index: number, device: string): string =>
  `${index === ROM_SLOT ? 'the expansion ROM' : slotName(index)} of ${device}`;
