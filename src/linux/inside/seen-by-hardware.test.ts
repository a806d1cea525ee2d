import { describe, expect, it } from 'vitest';
import { SeenByHardware } from './seen-by-hardware.ts';

const map = (seen: SeenByHardware, iova: bigint, size: bigint): number =>
  seen.map({ iova, size } as Parameters<SeenByHardware['map']>[0]);
const rangesOf = ({ ranges }: SeenByHardware): readonly string[] =>
  ranges.map(({ start, end }) => `${start}-${end}`);

describe('SeenByHardware', () => {
  it('joins mappings that touch or overlap', () => {
    const seen = new SeenByHardware();
    expect([map(seen, 0n, 10n), map(seen, 20n, 10n), map(seen, 10n, 5n), map(seen, 12n, 8n)]).toEqual([
      0, 0, 0, 0,
    ]);
    expect(rangesOf(seen)).toEqual(['0-30']);
  });

  it('takes away the middle, an end, and more than there is', () => {
    const seen = new SeenByHardware([{ start: 0n, end: 30n }]);
    seen.unmap(10n, 5n);
    expect(rangesOf(seen)).toEqual(['0-10', '15-30']);
    seen.unmap(8n, 10n);
    expect(rangesOf(seen)).toEqual(['0-8', '18-30']);
    seen.unmap(20n, 1000n);
    expect(rangesOf(seen)).toEqual(['0-8', '18-20']);
    seen.unmap(0n, 1n << 64n);
    expect(rangesOf(seen)).toEqual([]);
  });
});
