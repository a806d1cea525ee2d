import { offset } from '../../address/index.ts';
import type { AccessRules, CallbackAccess, RegionWidths } from './access-rules.ts';

/** The largest power of two that is not above `value`, 1 to 15. */
const powerBelow = (value: number): number => (value >= 8 ? 8 : value >= 4 ? 4 : value >= 2 ? 2 : 1);

/** memory_access_size: as many bytes as are left, as the callbacks take, and as the alignment of the offset allows. */
function pieceWidth({ offset: at, width }: CallbackAccess, { widest, unaligned }: RegionWidths): number {
  const alignment = Number(at & -at);
  const limit = unaligned || alignment === 0 || alignment > widest ? widest : alignment;
  return powerBelow(Math.min(width, limit));
}

/** The rules of every release: none differs in what an access reaches. */
export const QEMU_ACCESS: AccessRules = {
  // The callbacks of other regions get whole accesses: their alignment keeps these within the section.
  clampsToSection: (region) => region.isRam,
  pieceWidth,
  route: (_access, found) => found,
  // QEMU drops a write of any width to the PBA.
  accepts: (structure, { width, write }) => (width === 4 || width === 8) && !(structure === 'pba' && write),
  polledVectors: ({ offset: at, width }, vectors) => ({
    first: Math.min(Number(at) * 8, vectors),
    end: Math.min((Number(at) + width) * 8, vectors),
  }),
  deviceOffset: ({ offset: at }) => offset(at),
  reachesRom: ({ offset: at, write }, contents) => !write && at < contents,
};
