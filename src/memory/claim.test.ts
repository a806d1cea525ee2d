import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { collectClaims } from './claim.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';
import { stack } from './testing/stack.ts';

const PAGE = 0x1000n;

describe('collectClaims', () => {
  it('collects claims in rendering order, cut to the window', () => {
    const claims = collectClaims(stack(['a', 0, 4], ['b', 2, 4], ['c', 8, 1]), {
      start: PAGE,
      end: 3n * PAGE,
    });
    expect(claims.map(({ region, start, end }) => [region.name, start, end])).toEqual([
      ['a', PAGE, 3n * PAGE],
      ['b', 2n * PAGE, 3n * PAGE],
    ]);
  });

  it('cuts claims to the address space, even if the window ends beyond', () => {
    const huge = MemoryRegion.ram('huge', END_OF_SPACE);
    const [claim] = collectClaims(huge, { start: 1n, end: END_OF_SPACE + 1n });
    expect(claim).toMatchObject({ start: 1n, end: END_OF_SPACE });
    new MemoryTopology().setAddress(huge, offset(1n));
    expect(collectClaims(huge, { start: 0n, end: END_OF_SPACE + 1n })).toMatchObject([
      { start: 1n, end: END_OF_SPACE },
    ]);
    expect(collectClaims(huge, { start: END_OF_SPACE, end: END_OF_SPACE + 1n })).toEqual([]);
    expect(collectClaims(huge, { start: 1n, end: 1n })).toEqual([]);
  });
});
