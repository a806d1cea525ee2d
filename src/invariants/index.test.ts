import { afterEach, describe, expect, it } from 'vitest';
import {
  brokenBy,
  COMMON_INVARIANTS,
  INVARIANTS,
  INVARIANT_IDS,
  addOwnInvariant,
  findInvariant,
  forgetOwnInvariants,
  isError,
  isInvariantId,
  ownInvariants,
  siteOf,
  violationsOf,
  type Invariant,
} from './index.ts';
import { flat, state, traceOfStates } from './testing/index.ts';

const OWN: Invariant = {
  id: 'user/no-start' as Invariant['id'],
  clause: 'nothing starts',
  severity: 'warning',
  site: 'my/file.c: mine',
  start: (_, examination) => ({ step: () => examination.violate('started', () => 'it starts') }),
};

afterEach(forgetOwnInvariants);

describe('the invariants', () => {
  it('are those of the list of ids, in its order', () => {
    expect(INVARIANTS.map(({ id }) => id)).toEqual([...INVARIANT_IDS]);
    expect(
      INVARIANTS.filter((invariant) => !COMMON_INVARIANTS.includes(invariant)).map(({ id }) => id),
    ).toEqual(['model-agrees']);
  });

  it('are found by their ids', () => {
    for (const invariant of INVARIANTS) {
      expect(findInvariant(invariant.id)).toBe(invariant);
      expect(isInvariantId(invariant.id)).toBe(true);
    }
  });

  it('have those of the user beside them, until these are forgotten', () => {
    expect(isInvariantId(OWN.id)).toBe(false);
    addOwnInvariant(OWN);
    expect([isInvariantId(OWN.id), isInvariantId('user/other')]).toEqual([true, false]);
    expect(findInvariant(OWN.id)).toBe(OWN);
    expect(ownInvariants()).toEqual([OWN]);
    const judged = traceOfStates([state({ flatView: [flat(0x1000n, 0n)] })]);
    expect(violationsOf(judged).map(({ cause }) => cause)).toEqual(['empty-range', 'started']);
    expect(violationsOf(judged, [OWN]).map(({ cause }) => cause)).toEqual(['started']);
    forgetOwnInvariants();
    expect(isInvariantId(OWN.id)).toBe(false);
    expect(violationsOf(judged).map(({ cause }) => cause)).toEqual(['empty-range']);
  });

  it('say so of a plugin that is not loaded, and judge nothing by it', () => {
    const found = findInvariant(OWN.id);
    expect(found).toMatchObject({
      id: OWN.id,
      clause: 'the rule of the invariant user/no-start, whose plugin is not loaded',
      severity: 'error',
      site: 'not known',
    });
    expect(violationsOf(traceOfStates([state()]), [found])).toEqual([]);
  });
});

describe('a violation', () => {
  it('is an error, unless its invariant is a warning', () => {
    expect(isError({ invariant: 'no-abort' })).toBe(true);
    addOwnInvariant(OWN);
    expect(isError({ invariant: OWN.id })).toBe(false);
    const warnings = INVARIANTS.filter(({ severity }) => severity === 'warning');
    for (const { id } of warnings) expect(isError({ invariant: id })).toBe(false);
  });

  it('comes from a place in the VMM that ran, by its revision alone or by what a real VMM says', () => {
    const violation = { invariant: 'no-abort', cause: 'bar-size-assertion' } as const;
    const place = 'hw/pci/pci.c: pci_register_bar';
    expect(siteOf(violation, { revision: 'qemu-11.1' })).toEqual({ vmm: 'QEMU', place });
    const error = "../hw/core/qdev.c:12: qdev_x: Assertion `x' failed.";
    expect(siteOf(violation, { revision: 'QEMU 11.1.3', outcome: 'aborted', error }).place).toBe(
      'hw/core/qdev.c:12: qdev_x',
    );
    expect(siteOf(violation, { revision: 'QEMU 11.1.3', outcome: 'rejected', error }).place).toBe(place);
    addOwnInvariant(OWN);
    expect(siteOf({ invariant: OWN.id, cause: 'started' }, { revision: 'qemu-11.1' }).place).toBe(OWN.site);
  });
});

describe('brokenBy', () => {
  it('knows no invariant that an unknown revision breaks', () => {
    for (const id of ['qemu-12.0', 'constructor']) expect(brokenBy(id)).toEqual([]);
  });
});
