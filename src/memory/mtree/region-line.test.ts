import { describe, expect, it } from 'vitest';
import { takeOwners } from './region-line.ts';

describe('takeOwners', () => {
  it('has the owners alone that the line names', () => {
    expect(takeOwners('ram')).toStrictEqual({ rest: 'ram', owners: {} });
    expect(takeOwners('ram owner:{dev id=d}')).toStrictEqual({ rest: 'ram', owners: { owner: 'dev id=d' } });
    expect(takeOwners('ram parent:{obj type=t}')).toStrictEqual({
      rest: 'ram',
      owners: { parent: 'obj type=t' },
    });
    expect(takeOwners('ram owner:{dev id=d} parent:{obj type=t}')).toStrictEqual({
      rest: 'ram',
      owners: { owner: 'dev id=d', parent: 'obj type=t' },
    });
    expect(takeOwners('ram orphan')).toStrictEqual({ rest: 'ram', owners: {} });
  });
});
