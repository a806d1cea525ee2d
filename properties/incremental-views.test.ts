import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryTopology } from '../src/memory/index.ts';
import { CheckedRun, type Clause, type Engine } from './incremental-views/checked-run.ts';
import { FAULTY_RULES } from './incremental-views/faulty-rules.ts';
import { RuledTopology, type Rules } from './incremental-views/ruled-topology.ts';
import { plan } from './incremental-views/steps.ts';
import { difference, splice } from './incremental-views/windows.ts';
import { ClauseShares } from './testing/clause-shares.ts';

/** The property: the views and listeners of the engine follow every change. */
const follows = (makeEngine: () => Engine, shares?: ClauseShares<Clause>) =>
  fc.property(plan, (one) => {
    const clauses = new Set<Clause>();
    const run = new CheckedRun(makeEngine(), one, clauses);
    for (const step of one.steps) run.do(step);
    run.finish();
    shares?.note(clauses);
  });

const real = (): Engine => ({ topology: new MemoryTopology(), view: (space) => space.view });
const run = { seed: 0x1c4e, numRuns: 500 };

describe('views and listeners', () => {
  it('follow every change (memory facts 1.7, 2.8, 3.1 to 3.5)', () => {
    const shares = new ClauseShares<Clause>();
    fc.assert(follows(real, shares), run);
    shares.expectShares({
      'nested transaction': 0.4,
      'several changes in one commit': 0.6,
      'ranges are kept while others are removed and added': 0.25,
      'additions next to removals': 0.4,
      'a commit that changes nothing': 0.6,
      'a change that needs no update': 0.6,
      'spaces share a view': 0.4,
      'spaces with different views': 0.6,
      'the effective root changes': 0.2,
      'the effective root appears': 0.6,
      'the effective root disappears': 0.4,
      'a range shown by an alias': 0.4,
      'a region with several aliases moves': 0.1,
      'ranges merge': 0.06,
      'a ROM device changes mode': 0.05,
      'a listener is registered later': 0.3,
      'a listener is registered in a transaction': 0.15,
      'a listener is unregistered': 0.06,
      'a listener is notified of kept ranges': 0.1,
      'a shrunk region moves': 0.1,
      'a root gets another address': 0.1,
    });
  });
});

const engineWith =
  (changed: Partial<Rules>): (() => Engine) =>
  () => {
    const topology = new RuledTopology(changed);
    return { topology, view: (space) => topology.view(space) };
  };

describe('the property', () => {
  it('accepts a topology that renders every view anew', () => {
    const found = fc.check(follows(engineWith({})), run);
    expect(found.failed).toBe(false);
  });

  it('accepts updating a view in the right window', () => {
    const update: Rules['update'] = (before, fresh) => {
      const window = difference(before, fresh);
      return window === undefined ? fresh : splice(before, fresh, window);
    };
    expect(fc.check(follows(engineWith({ update })), run).failed).toBe(false);
  });

  it.each(Object.keys(FAULTY_RULES))('finds the fault: %s', (name) => {
    const found = fc.check(follows(engineWith(FAULTY_RULES[name]!)), { ...run, endOnFailure: true });
    expect(found.failed).toBe(true);
  });
});
