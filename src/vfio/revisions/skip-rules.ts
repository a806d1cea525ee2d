import type { MemoryRegionSection } from '../../memory/index.ts';
import { low64 } from '../../address/index.ts';
import type { ListenerContext, ListenerRules } from '../listener-rules.ts';
import type { Revision } from '../revision.ts';

/** The revision `base` with a listener that also skips the sections for which `rule` gives a reason. */
export function withSkipRule(
  base: Revision,
  proposal: Pick<Revision, 'id' | 'title' | 'source'>,
  rule: ListenerRules['skip'],
): Revision {
  const skip = (section: MemoryRegionSection, context: ListenerContext) =>
    base.listener.skip(section, context) ?? rule(section, context);
  return { ...base, ...proposal, listener: { ...base.listener, skip } };
}

/** Whether the section's offset in its region, or its size, has any of the bits of `mask`. */
export const offsetOrSizeHas = ({ offset, size }: MemoryRegionSection, mask: bigint): boolean =>
  ((offset | low64(size)) & mask) !== 0n;
