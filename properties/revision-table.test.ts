import { describe, expect, it } from 'vitest';
import { BROKEN_BY } from '../src/invariants/broken-by.ts';
import { INVARIANT_IDS, brokenBy } from '../src/invariants/index.ts';
import { ALL_REVISIONS } from '../src/model/index.ts';
import { describeBroken } from './testing/describe-broken.ts';

// The proposals have a file of their own, so that two workers share the revisions.
describeBroken(ALL_REVISIONS.filter(({ id }) => !id.includes('+')));

describe('`brokenBy`', () => {
  it('has an entry for every revision and for no other id', () => {
    expect(Object.keys(BROKEN_BY)).toEqual(ALL_REVISIONS.map(({ id }) => id));
    for (const id of ['qemu-12', 'seed-v2+a-patch', 'constructor']) expect(brokenBy(id)).toEqual([]);
  });

  it.each(ALL_REVISIONS)('names the invariants of $id in the order of the design, none twice', ({ id }) => {
    const places = brokenBy(id).map((invariant) => (INVARIANT_IDS as readonly string[]).indexOf(invariant));
    expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
  });
});
