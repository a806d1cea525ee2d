import { intersection, type Range } from '../address/index.ts';
import type { PluggedMemory, TraceRange } from '../trace/index.ts';

/**
 * The addresses of a range at which the guest has memory: all of it, or of virtio-mem what is plugged.
 *
 * @param plugged left out where the run has no virtio-mem.
 */
export function pluggedParts(range: TraceRange, plugged: PluggedMemory | undefined): readonly Range[] {
  const { region, offset, start } = range;
  if (region.discards === undefined) return [range];
  return (plugged?.get(region.name) ?? []).flatMap(
    (part) =>
      intersection(range, { start: part.start - offset + start, end: part.end - offset + start }) ?? [],
  );
}
