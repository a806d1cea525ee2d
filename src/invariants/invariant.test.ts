import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  Examination,
  INVARIANTS,
  INVARIANT_IDS,
  examine,
  findInvariant,
  fingerprintText,
  violationsOf,
} from './index.ts';
import { PAGE, mapEvent, memslot, state, trace } from './testing/index.ts';

describe('the invariants', () => {
  it('are in the order of their ids, each in a file of its name', () => {
    expect(INVARIANTS.map(({ id }) => id)).toEqual(INVARIANT_IDS);
    for (const id of INVARIANT_IDS) {
      expect(findInvariant(id).id).toBe(id);
      for (const file of [`${id}.ts`, `${id}.test.ts`]) {
        expect(existsSync(fileURLToPath(new URL(file, import.meta.url))), file).toBe(true);
      }
    }
  });

  it('each have a clause and a site in QEMU; all but one are errors', () => {
    for (const { clause, site } of INVARIANTS) {
      expect(clause).not.toBe('');
      expect(site).toMatch(/\.c: /);
    }
    expect(INVARIANTS.filter(({ severity }) => severity === 'warning').map(({ id }) => id)).toEqual([
      'guest-page-reachable',
    ]);
  });

  it('all accept an empty trace', () => {
    expect(violationsOf(trace([]))).toEqual([]);
    expect(violationsOf(trace([{}]))).toEqual([]);
  });
});

describe('Examination', () => {
  it('keeps the first violation of each cause', () => {
    const position = { step: 1 };
    const examination = new Examination('no-abort', position);
    const said: string[] = [];
    const say = (what: string) => () => {
      said.push(what);
      return what;
    };
    examination.violate('a', say('first'));
    position.step = 2;
    examination.violate('a', say('second'), { start: 0n, end: 1n });
    examination.violate('b', say('third'), { start: 0n, end: 1n });
    examination.violate('c', say('fourth'), undefined, 7);
    expect(examination.violations).toEqual([
      { invariant: 'no-abort', cause: 'a', step: 1, message: 'first' },
      { invariant: 'no-abort', cause: 'b', step: 2, message: 'third', at: { start: 0n, end: 1n } },
      { invariant: 'no-abort', cause: 'c', step: 7, message: 'fourth' },
    ]);
    // The message of a violation that is not kept is never made.
    expect(said).toEqual(['first', 'third', 'fourth']);
  });

  it('is for one invariant; violationsOf lists all in the order of the invariants', () => {
    const judged = trace([{ events: [mapEvent(0n, 1n)], state: state({ memslots: [memslot(0n, PAGE)] }) }]);
    expect(examine(judged, findInvariant('map-aligned')).violations).toHaveLength(1);
    expect(violationsOf(judged).map(fingerprintText)).toEqual([
      'map-aligned/ram-off-host-page',
      'memslot-aligned-disjoint/not-backed',
    ]);
    expect(violationsOf(judged, [findInvariant('no-abort')])).toEqual([]);
  });
});
