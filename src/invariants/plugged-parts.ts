import type { Range } from '../address/index.ts';
import type { PluggedMemory, TraceRange } from '../trace/index.ts';

/**
 * The addresses of a range at which the guest has memory: all of it, or of virtio-mem what is plugged.
 *
 * @param plugged left out where the run has no virtio-mem.
 */
export function pluggedParts(range: TraceRange, plugged: PluggedMemory | undefined): readonly Range[] {
  const { region, offset, start, end } = range;
  if (region.discards === undefined) return [range];
  return (plugged?.get(region.name) ?? []).flatMap((part) => {
    const from = part.start - offset + start;
    const to = part.end - offset + start;
    const shown = { start: from > start ? from : start, end: to < end ? to : end };
    return shown.start < shown.end ? [shown] : [];
  });
}
