import type { BarSpec, DeviceSpec } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

const MIB = 1n << 20n;

/**
 * A graphics card over whose BARs QEMU puts mirrors of its configuration space (vfio fact 5.19). Older cards of NVIDIA
 * have memory in BAR 5, or no BAR 5; some hosts give access to 256 bytes of configuration space alone.
 */
export function chooseGraphicsCard(choose: Choose, id: string): DeviceSpec {
  const isNvidia = choose.chance(60);
  const configSize = choose.chance(60) ? { configSize: 0x100n } : {};
  const bars = isNvidia ? chooseNvidiaBars(choose) : chooseAtiBars(choose);
  const vendor = isNvidia ? 0x10de : 0x1002;
  return { id, name: id, vendor, device: 0x100, vga: true, ...configSize, bars, options: {} };
}

function chooseNvidiaBars(choose: Choose): readonly BarSpec[] {
  const last = choose.weighted<readonly BarSpec[]>(
    [2, [{ index: 5, size: 0x80n, type: 'io', mmap: false }]],
    [1, [{ index: 5, size: 0x8_0000n, type: 'mem32', mmap: true }]],
    [1, []],
  );
  return [
    { index: 0, size: 16n * MIB, type: 'mem32', mmap: choose.chance(80) },
    { index: 1, size: 64n * MIB, type: 'mem64p', mmap: true },
    ...last,
  ];
}

const chooseAtiBars = (choose: Choose): readonly BarSpec[] => [
  { index: 0, size: 64n * MIB, type: 'mem64p', mmap: true },
  { index: 2, size: 0x4_0000n, type: choose.chance(75) ? 'mem64' : 'mem32', mmap: choose.chance(80) },
  ...(choose.chance(70) ? [{ index: 4, size: 0x100n, type: 'io', mmap: false } as const] : []),
];

/** The place at which a BAR may mirror the configuration space; `undefined` for other devices. */
export function mirrorPlace({ vga, vendor }: DeviceSpec, { index }: BarSpec): bigint | undefined {
  if (vga !== true) return undefined;
  if (vendor === 0x10de && index === 0) return 0x8_8000n;
  return vendor === 0x1002 && index === 2 ? 0x4000n : undefined;
}
