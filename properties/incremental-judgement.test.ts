import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../generators/index.ts';
import { deriveSeed } from '../src/campaign/index.ts';
import { INVARIANTS, examineAll, fingerprintText, violationsOf } from '../src/invariants/index.ts';
import { ALL_REVISIONS, runOnModel, scopeOf, type AnyRevision } from '../src/model/index.ts';
import type { Scenario } from '../src/scenario/index.ts';
import { StateChange, ViewChange, type State, type Step, type Trace } from '../src/trace/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { MUTANTS } from './testing/all-mutants.ts';
import { distort, distortions } from './testing/random-faults.ts';

const CASES_OF_A_REVISION = 75;
const CASES_OF_A_MUTANT = 30;
const CASES_WITH_FAULTS = 2_000;

const withSteps = (trace: Trace, change: (step: Step, before: State | undefined) => Step): Trace => ({
  ...trace,
  steps: trace.steps.map((step, index) => change(step, trace.steps[index - 1]?.state)),
});

/** The trace with steps that do not carry their change, so that the states are compared. */
const comparing = (trace: Trace): Trace =>
  withSteps(trace, ({ operation, events, state }) => ({ operation, events, state }));

/** The trace with steps in which everything is new, so that every state is judged whole. */
const whole = (trace: Trace): Trace =>
  withSteps(trace, (step, before) => ({ ...step, change: everythingOf(before, step.state) }));

function everythingOf(before: State | undefined, after: State): StateChange {
  const flatView = new ViewChange(after.flatView, 'whole');
  const isShared = after.dmaView === after.flatView;
  const unplugged = (before?.devices ?? []).filter(
    ({ id }) => !after.devices.some((other) => other.id === id),
  );
  return new StateChange({
    before,
    after,
    flatView,
    dmaView: isShared ? flatView : new ViewChange(after.dmaView, 'whole'),
    containers: [
      ...after.containers.map(
        (container) => ({ container, kind: 'opened', added: container.mappings, removed: [] }) as const,
      ),
      ...(before?.containers ?? []).map(
        (container) => ({ container, kind: 'closed', added: [], removed: container.mappings }) as const,
      ),
    ],
    memslots: { added: after.memslots, removed: before?.memslots ?? [] },
    devices: {
      plugged: after.devices,
      changed: [],
      reshaped: after.devices,
      unplugged: unplugged.map(({ id }) => id),
    },
  });
}

/** What all invariants say of a trace, one line each: whether each applies, and the violations in their order. */
const verdict = (trace: Trace): string =>
  examineAll(trace, INVARIANTS)
    .flatMap(({ exercised, violations }, index) => [
      `${INVARIANTS[index]!.id} ${exercised > 0 ? 'applies' : 'says nothing'}`,
      ...violations.map(
        ({ step, message, at, ...fingerprint }) =>
          `${fingerprintText(fingerprint)} in step ${step} at ${at?.start}, ${at?.end}: ${message}`,
      ),
    ])
    .join('\n');

const checksOf = (trace: Trace): number =>
  examineAll(trace, INVARIANTS).reduce((sum, { exercised }) => sum + exercised, 0);

/** Judges the traces of generated scenarios in each way. Returns how many checks each way made. */
function judgeBothWays(run: (scenario: Scenario) => Trace, revision: AnyRevision, cases: number) {
  const checks = { byChange: 0, whole: 0 };
  fc.assert(
    fc.property(scenarios(scopeOf(revision)), (scenario) => {
      const trace = run(scenario);
      const expected = verdict(whole(trace));
      expect(verdict(trace)).toBe(expected);
      expect(verdict(comparing(trace))).toBe(expected);
      checks.byChange += checksOf(trace);
      checks.whole += checksOf(whole(trace));
    }),
    { seed: deriveSeed('incremental judgement', revision.id), numRuns: cases },
  );
  return checks;
}

describe('judging each state by its change says what judging each state whole says', () => {
  it.each(ALL_REVISIONS.map((revision) => [revision.id, revision] as const))(
    'on %s, with fewer checks',
    (_, revision) => {
      const run = (scenario: Scenario): Trace => runOnModel(scenario, revision);
      const checks = judgeBothWays(run, revision, CASES_OF_A_REVISION);
      expect(checks.byChange).toBeLessThan(0.95 * checks.whole);
    },
  );

  it('on traces with faults that come and go between steps', async ({ annotate }) => {
    const found = new Set<string>();
    const drawn = fc.tuple(scenarios(scopeOf(NEWEST)), distortions);
    fc.assert(
      fc.property(drawn, ([scenario, faultsOfTrace]) => {
        const trace = distort(runOnModel(scenario, NEWEST), faultsOfTrace);
        const expected = verdict(whole(trace));
        expect(verdict(trace)).toBe(expected);
        for (const { step, ...fingerprint } of violationsOf(trace))
          if (step > 0) found.add(fingerprintText(fingerprint));
      }),
      { seed: deriveSeed('incremental judgement', 'faults'), numRuns: CASES_WITH_FAULTS },
    );
    await annotate([...found].toSorted().join(', '), 'found after the first step');
    expect(found.size).toBeGreaterThan(20);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('on the mutant: %s', (_, mutant) => {
    const { base, revision = base, sabotage, distort = (trace: Trace) => trace, only } = mutant;
    const mend = sabotage?.();
    try {
      const run = (scenario: Scenario): Trace => distort(runOnModel(only?.(scenario) ?? scenario, revision));
      judgeBothWays(run, base, CASES_OF_A_MUTANT);
    } finally {
      mend?.();
    }
  });
});
