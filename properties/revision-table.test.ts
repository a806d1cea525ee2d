import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BROKEN_BY, RARELY_BROKEN_BY } from '../src/invariants/broken-by.ts';
import { INVARIANT_IDS, brokenBy } from '../src/invariants/index.ts';
import { ALL_REVISIONS } from '../src/model/index.ts';
import { RegressionStore } from '../src/campaign/index.ts';
import { describeBroken } from './testing/describe-broken.ts';

const FOLDER = fileURLToPath(new URL('../regressions/', import.meta.url));

// The proposals have a file of their own, so that two workers share the revisions.
describeBroken(ALL_REVISIONS.filter(({ id }) => !id.includes('+')));

describe('`brokenBy`', () => {
  it('has an entry for every revision and for no other id', () => {
    expect(Object.keys(BROKEN_BY)).toEqual(ALL_REVISIONS.map(({ id }) => id));
    for (const id of ['qemu-12', 'seed-v2+a-patch', 'constructor']) expect(brokenBy(id)).toEqual([]);
  });

  it('leaves to `RARELY_BROKEN_BY` what a stored case shows of a revision and a search may miss', () => {
    const shown = new RegressionStore(FOLDER)
      .load()
      .flatMap(({ regression: { invariant, failsOn } }) => failsOn.map((id) => `${id} ${invariant}`));
    const rare = Object.entries(RARELY_BROKEN_BY).flatMap(([id, invariants]) =>
      invariants.map((invariant) => ({ id, invariant, name: `${id} ${invariant}` })),
    );
    expect(rare.filter(({ name }) => !shown.includes(name))).toEqual([]);
    expect(rare.filter(({ id, invariant }) => brokenBy(id).includes(invariant))).toEqual([]);
  });

  it.each(ALL_REVISIONS)('names the invariants of $id in the order of the design, none twice', ({ id }) => {
    const places = brokenBy(id).map((invariant) => (INVARIANT_IDS as readonly string[]).indexOf(invariant));
    expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
  });
});
