import { findInvariant, siteOf, type Violation } from '../invariants/index.ts';
import { encodeScenario, type JsonValue } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import {
  FIGURES,
  type CauseVerdict,
  type InvariantVerdict,
  type Counterexample,
  type DeviceCost,
  type Figure,
  type PatchOnTree,
  type Verdict,
  type VerdictFinding,
} from '../validate/index.ts';
import { mapsOf } from './verdict-example.ts';
import { headline } from './verdict-headline.ts';

/**
 * A verdict as plain data: what `barproof validate --json` prints. Bytes are hex strings, counts are numbers.
 *
 * @param files the files that hold the cases of findings.
 */
export function verdictToJson(
  verdict: Verdict,
  files: ReadonlyMap<VerdictFinding, string> = new Map(),
): JsonValue {
  const { sides, seed, runs, cases, interrupted, breaks, invariants, findings } = verdict;
  const { unreached, outcomes, cost, devices } = verdict;
  return {
    base: { ...sides.base },
    patched: { ...sides.patched },
    seed,
    runs,
    cases,
    interrupted,
    breaks,
    summary: headline(verdict),
    ...(verdict.tree && { tree: treeToJson(verdict.tree) }),
    findings: findings.map((finding) => ({
      invariant: finding.invariant,
      cause: finding.cause,
      effect: finding.effect,
      severity: finding.severity,
      also: finding.also.map((other) => ({ ...other })),
      ...(files.has(finding) && { file: files.get(finding)! }),
    })),
    neverAskedForWithThePatch: unreached,
    invariants: invariants.map(({ invariant, severity, status, exercised, causes }) => ({
      invariant,
      severity,
      status,
      clause: findInvariant(invariant).clause,
      site: findInvariant(invariant).site,
      exercised: { ...exercised },
      causes: causes.map((cause) => ({
        cause: cause.cause,
        status: cause.status,
        site: placeOf(verdict, { invariant, ...cause }),
        cases: { ...cause.cases },
        ...(cause.flaky && { flaky: { ...cause.flaky } }),
        ...(cause.counterexample && { counterexample: counterexampleToJson(cause.counterexample) }),
      })),
    })),
    outcomes: [...outcomes].map(([pair, count]) => {
      const [base, patched] = pair.split(' ');
      return { base, patched, cases: count };
    }),
    cost: {
      cases: cost.cases,
      figures: Object.fromEntries(
        FIGURES.map((figure) => {
          const { base, patched, more, less } = cost.figures[figure];
          return [figure, { base: valueOf(figure, base), patched: valueOf(figure, patched), more, less }];
        }),
      ),
    },
    // Devices that the patch does not change are left out.
    devices: devices.filter(differs).map(({ device, host, base, patched }) => ({
      device,
      host,
      base: { outcome: base.outcome, ...figuresToJson(base.figures) },
      patched: { outcome: patched.outcome, ...figuresToJson(patched.figures) },
    })),
  };
}

const treeToJson = ({ functions, further, ...tree }: PatchOnTree): JsonValue => ({
  ...tree,
  ...(further && { further: { ...further } }),
  functions: functions.map(({ file, name, runs, compiledFor }) => ({
    file,
    name,
    compiled: runs !== 'not compiled',
    runs: runs === 'not compiled' ? 0 : runs,
    ...(compiledFor && { compiledFor }),
  })),
});

/** The place of a cause in the VMM that shows it. */
function placeOf(
  { sides }: Verdict,
  { counterexample, ...cause }: CauseVerdict & Pick<InvariantVerdict, 'invariant'>,
): string {
  const shown = counterexample?.violations.patched === undefined ? 'base' : 'patched';
  return siteOf(cause, counterexample?.traces[shown] ?? { revision: sides.base.id }).place;
}

const differs = ({ base, patched }: DeviceCost): boolean =>
  base.outcome !== patched.outcome ||
  FIGURES.some((figure) => base.figures[figure] !== patched.figures[figure]);

const valueOf = (figure: Figure, value: bigint): JsonValue =>
  figure === 'memslots' || figure === 'maps' ? Number(value) : value;

const figuresToJson = (figures: Readonly<Record<Figure, bigint>>): { [figure: string]: JsonValue } =>
  Object.fromEntries(FIGURES.map((figure) => [figure, valueOf(figure, figures[figure])]));

function counterexampleToJson(counterexample: Counterexample): JsonValue {
  const { scenario, difference, traces, violations, shrinks, stability } = counterexample;
  const maps = mapsOf(counterexample);
  return {
    difference,
    shrinks,
    ...(stability && { stability: { ...stability } }),
    base: sideToJson(traces.base, violations.base, maps.base),
    patched: sideToJson(traces.patched, violations.patched, maps.patched),
    scenario: encodeScenario(scenario),
  };
}

const sideToJson = (
  { outcome, error }: Trace,
  violation: Violation | undefined,
  memoryMap: readonly string[],
): JsonValue => ({
  outcome,
  error: error ?? null,
  violation: violation === undefined ? null : { message: violation.message, step: violation.step },
  memoryMap,
});
