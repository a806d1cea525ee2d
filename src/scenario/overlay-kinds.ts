import type { Size } from '../address/index.ts';

/**
 * The kinds of region that `add-region` adds. A `rom-device` is flash, which shows its contents or its registers;
 * `protected-ram` is memory of the guest that devices may not reach, such as an enclave.
 *
 * The others show the guest's own RAM once more, as an alias does, and differ from the RAM beside them in one thing alone:
 * `readonly-ram` cannot be written (shadowed firmware), `nonvolatile-ram` is persistent, `unmergeable-ram` stays a range
 * of its own (a memslot of virtio-mem), and `shifted-ram` shows the RAM of the 64 KiB above.
 *
 * `virtio-mem` is RAM of its own that the guest gets block by block: at first no block is plugged.
 */
export const OVERLAY_KINDS = [
  'ram',
  'rom',
  'io',
  'rom-device',
  'protected-ram',
  'readonly-ram',
  'nonvolatile-ram',
  'unmergeable-ram',
  'shifted-ram',
  'virtio-mem',
] as const;
export type OverlayKind = (typeof OVERLAY_KINDS)[number];

/** The kinds that show the guest's own RAM once more. */
export const ALIAS_KINDS = [
  'readonly-ram',
  'nonvolatile-ram',
  'unmergeable-ram',
  'shifted-ram',
] as const satisfies readonly OverlayKind[];
export type AliasKind = (typeof ALIAS_KINDS)[number];
export const isAliasKind = (kind: OverlayKind | undefined): kind is AliasKind =>
  (ALIAS_KINDS as readonly (OverlayKind | undefined)[]).includes(kind);

/** Bytes of a block of virtio-mem where a scenario names no other: a huge page of x86. */
export const BLOCK_SIZE: Size = 0x20_0000n;
