import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../generators/index.ts';
import type { Scenario } from '../src/scenario/index.ts';
import { InvalidInput } from '../src/input/index.ts';
import { runOnModel, unsuitable } from '../src/model/index.ts';
import type { State, StateChange, Trace, TraceNode, TraceRange, TraceRegion } from '../src/trace/index.ts';
import { REVISIONS, type Revision } from '../src/vfio/index.ts';

const regionOf = ({ name, owner, kind }: TraceRegion) => ({ name, owner, kind });

const rangeOf = (range: TraceRange) => {
  const { start, end, region, offset, readonly, nonvolatile, unmergeable, romdMode, priority, contained } =
    range;
  const flags = { readonly, nonvolatile, unmergeable, romdMode, contained };
  return { start, end, offset, priority, ...flags, region: regionOf(region) };
};

const stateOf = ({ flatView, dmaView, ...rest }: State) => ({
  ...rest,
  flatView: flatView.map(rangeOf),
  dmaView: dmaView.map(rangeOf),
});

const nodeOf = ({ region, children, alias, ...rest }: TraceNode): object => ({
  ...rest,
  region: regionOf(region),
  children: children.map(nodeOf),
  alias: alias && { offset: alias.offset, node: nodeOf(alias.node) },
});

/** What a change says, without the states that it lies between. */
const changeOf = ({ flatView, dmaView, containers, memslots, devices }: StateChange): object => ({
  flatView: flatView.stretches,
  dmaView: dmaView.stretches,
  containers,
  memslots,
  devices,
});

/** Everything that a trace holds, as text. */
const textOf = ({ steps, tree, ...rest }: Trace): string =>
  JSON.stringify(
    {
      ...rest,
      steps: steps.map(({ state, change, ...step }) => ({
        ...step,
        state: stateOf(state),
        change: change && changeOf(change),
      })),
      tree: tree && nodeOf(tree),
    },
    (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value),
  );

/** Freezes the value and everything in it. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}

interface Run {
  readonly scenario: Scenario;
  readonly revision: Revision;
}

/** Scenarios of every revision, with the kinds of container that the revision has. */
const runs: fc.Arbitrary<Run> = fc.constantFrom(...REVISIONS).chain((revision) =>
  scenarios({ revision: revision.id, iommuTypes: revision.iommus }).map((scenario) => ({
    scenario: freeze(scenario),
    revision,
  })),
);

const perform = ({ scenario, revision }: Run): Trace => runOnModel(scenario, revision);

/** For each state of a trace the index of the first state that is the same object. */
const sharing = ({ steps }: Trace): number[] =>
  steps.map(({ state }) => steps.findIndex((other) => other.state === state));

describe('the model', () => {
  it('gives the same trace for the same scenario each time, and does not change the scenario', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const [first, second] = [perform(run), perform(run)];
        expect(textOf(second)).toBe(textOf(first));
        expect(sharing(second)).toEqual(sharing(first));
        // `not.toBe` would compare both traces in depth before it reports two objects.
        expect(second === first).toBe(false);
      }),
      { numRuns: 400, endOnFailure: true },
    );
  });

  it('gives the same trace after other runs, which do not change earlier traces', () => {
    fc.assert(
      fc.property(runs, fc.array(runs, { minLength: 1, maxLength: 3 }), (run, others) => {
        const before = perform(run);
        const text = textOf(before);
        for (const other of others) perform(other);
        expect(textOf(perform(run))).toBe(text);
        expect(textOf(before)).toBe(text);
      }),
      { numRuns: 150 },
    );
  });

  it('runs any scenario on any revision with its IOMMU, and gives a consistent trace', () => {
    fc.assert(
      fc.property(scenarios(), fc.constantFrom(...REVISIONS), (scenario, revision) => {
        if (unsuitable(scenario, revision).length > 0) {
          expect(() => runOnModel(scenario, revision)).toThrow(InvalidInput);
          return;
        }
        const trace = runOnModel(scenario, revision);
        expect(trace.revision).toBe(revision.id);
        expect(trace.steps.length).toBeGreaterThan(0);
        expect(trace.error === undefined).toBe(trace.outcome === 'ok');
        expect(trace.abortSite === undefined).toBe(trace.outcome !== 'aborted');
        expect(trace.scratch === undefined).toBe(trace.outcome !== 'ok');
        expect(trace.teardown === undefined).toBe(trace.outcome === 'aborted');
        expect(trace.error ?? '').not.toMatch(/undefined|NaN|\[object/);
        if (trace.outcome === 'ok') expect(trace.steps).toHaveLength(scenario.operations.length + 1);
      }),
      { numRuns: 1000 },
    );
  });
});
