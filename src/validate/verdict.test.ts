import { beforeAll, describe, expect, it } from 'vitest';
import { REAL_DEVICES, scenarios } from '../../generators/index.ts';
import { fingerprintText, violationsOf } from '../invariants/index.ts';
import { verdictText, verdictToJson } from '../report/index.ts';
import { toJsonLine } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { NEWEST, findRevision, type Revision } from '../vfio/index.ts';
import { statusOf, validate, type Verdict } from './verdict.ts';
import { definePatch, type PatchDefinition } from './patch.ts';
import { runPatched } from './patched-run.ts';
import { Unrepeatable } from './shrink-difference.ts';

const judge = (
  definition: PatchDefinition,
  base: Revision,
  runs: number,
  later = false,
): Promise<Verdict> => {
  const { revision, run, guard } = runPatched(definePatch(definition), base);
  return validate({
    sides: {
      base: { id: base.id, title: base.title, run: (scenario) => runOnModel(scenario, base) },
      patched: {
        id: revision.id,
        title: revision.title,
        run: later ? async (scenario) => run(scenario) : run,
      },
    },
    guard,
    stored: [],
    scenarios: scenarios({ revision: base.id, iommuTypes: base.iommus }),
    devices: REAL_DEVICES.slice(0, 4),
    iommus: base.iommus,
    seed: 'verdict',
    runs,
  });
};

const causesOf = ({ invariants }: Verdict, ...statuses: readonly string[]): string[] =>
  invariants.flatMap(({ invariant, causes }) =>
    causes.filter(({ status }) => statuses.includes(status)).map(({ cause }) => `${invariant}/${cause}`),
  );

const seedV2 = findRevision('seed-v2')!;

describe('the verdict on a patch that changes nothing', () => {
  it('says so, on an old and on the newest base', { timeout: 60_000 }, async () => {
    for (const base of [seedV2, NEWEST]) {
      const verdict = await judge({ name: 'nothing', listener: (rules) => ({ ...rules }) }, base, 150);
      expect(verdict.breaks).toBe(false);
      expect(verdictText(verdict).trimEnd().split('\n').slice(1)).toEqual(['', 'changes nothing']);
      expect(
        causesOf(verdict, 'fixed', 'broken', 'swapped', 'uncovered', 'worse', 'better', 'hidden'),
      ).toEqual([]);
      expect(verdictToJson(verdict)).toMatchObject({ breaks: false, devices: [] });
    }
  });
});

describe('the verdict on a patch that skips all RAM', () => {
  const definition: PatchDefinition = {
    name: 'no-ram',
    listener: (base) => ({
      skip: (section, context) =>
        base.skip(section, context) ?? (section.region.isRamDevice ? undefined : 'ram'),
    }),
  };
  let verdict: Verdict;
  beforeAll(async () => {
    verdict = await judge(definition, seedV2, 150);
  }, 60_000);

  it('has ram-reachable broken, with a smallest case that breaks only the patched side', () => {
    expect(verdict.breaks).toBe(true);
    const { status, causes } = verdict.invariants.find(({ invariant }) => invariant === 'ram-reachable')!;
    expect(status).toBe('broken');
    expect(causes.map(({ cause, status: what }) => [cause, what])).toEqual([['not-mapped', 'broken']]);
    const { scenario, traces, violations } = causes[0]!.counterexample!;
    expect(scenario.operations).toEqual([]);
    expect(scenario.devices).toHaveLength(1);
    expect(violations).toHaveProperty('patched.cause', 'not-mapped');
    expect(violations).not.toHaveProperty('base');
    expect(violationsOf(traces.base).map(fingerprintText)).not.toContain('ram-reachable/not-mapped');
    expect(violationsOf(traces.patched).map(fingerprintText)).toContain('ram-reachable/not-mapped');
  });

  it('is written as text and as JSON', () => {
    const text = verdictText(verdict);
    expect(text).toMatch(/^seed-v2\+no-ram against seed-v2, 150 cases, seed verdict\n/);
    expect(text).toMatch(/^ram-reachable +broken +not-mapped: breaks \d+ new cases \(0 -> \d+\)$/m);
    expect(text).toMatch(
      /^1 {2}ram-reachable \/ not-mapped: breaks \d+ new cases \(0 -> \d+\), shrunk in \d+ steps?$/m,
    );
    expect(text).toMatch(/in QEMU {3}hw\/vfio\/listener\.c: vfio_listener_skipped_section/);
    expect(text).toMatch(/breaks 1 cause that the base never shows\n$/);
    const data = JSON.parse(toJsonLine(verdictToJson(verdict))) as { invariants: { status: string }[] };
    expect(data.invariants).toHaveLength(16);
    expect(data).toMatchObject({ base: { id: 'seed-v2' }, patched: { id: 'seed-v2+no-ram' }, breaks: true });
  });

  it('is the same again, and on a target that returns promises', { timeout: 60_000 }, async () => {
    const again = await judge(definition, seedV2, 150);
    const later = await judge(definition, seedV2, 150, true);
    expect(verdictText(again)).toBe(verdictText(verdict));
    expect(verdictText(later)).toBe(verdictText(verdict));
  });
});

it(
  'the verdict on a patch that replaces one failure by another says that the patch breaks something',
  { timeout: 60_000 },
  async () => {
    const verdict = await judge({ name: 'silent', listener: { ramFailure: 'reported' } }, seedV2, 2000);
    expect(causesOf(verdict, 'fixed', 'better')).toContain('no-abort/dma-map-ram-EINVAL');
    expect(causesOf(verdict, 'swapped', 'broken').length).toBeGreaterThan(0);
    expect(verdict.breaks).toBe(true);
  },
);

it(
  'a patch whose rule returns different values for the same arguments gets no verdict',
  { timeout: 60_000 },
  async () => {
    let calls = 0;
    const alignment = (): bigint => (++calls < 30 ? 1n << 40n : 0x1000n);
    await expect(judge({ name: 'impure', listener: { alignment } }, seedV2, 300)).rejects.toThrow(
      Unrepeatable,
    );
  },
);

describe('statusOf', () => {
  const none = { both: 0, fixed: 0, hidden: 0, broken: 0, swapped: 0, uncovered: 0 };
  it.each([
    [{ broken: 1, swapped: 1 }, 'broken'],
    [{ swapped: 1, uncovered: 1 }, 'swapped'],
    [{ uncovered: 1 }, 'uncovered'],
    [{ both: 1, broken: 1, fixed: 1 }, 'worse'],
    [{ fixed: 1, broken: 1 }, 'worse'],
    [{ fixed: 1, hidden: 1 }, 'fixed'],
    [{ both: 1, fixed: 1 }, 'better'],
    [{ both: 1, swapped: 1, uncovered: 1, hidden: 1 }, 'still broken'],
    [{ hidden: 1 }, 'hidden'],
  ])('makes the cases %j the status %s', (cases, status) => {
    const tally = { invariant: 'no-abort', cause: 'x', cases: { ...none, ...cases }, first: {} } as const;
    expect(statusOf(tally)).toBe(status);
  });
});
