import { beforeAll, describe, expect, it } from 'vitest';
import { REAL_DEVICES, scenarios } from '../../generators/index.ts';
import type { RunScenario } from '../campaign/index.ts';
import { COMMON_INVARIANTS, fingerprintText, violationsOf } from '../invariants/index.ts';
import { verdictText, verdictToJson } from '../report/index.ts';
import { toJsonLine } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { NotRunnable } from '../trace/index.ts';
import { NEWEST, findRevision, type Revision } from '../vfio/index.ts';
import { statusOf } from './status.ts';
import { validate, type Verdict } from './verdict.ts';
import { definePatch, type PatchDefinition } from './patch.ts';
import { runPatched } from './patched-run.ts';

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

/** The verdict, as if the sides were built of a tree, and the patch changed a function. */
const ofTree = (verdict: Verdict, runs: number): Verdict => ({
  ...verdict,
  tree: {
    subject: 'hw/vfio: x',
    files: ['hw/vfio/pci.c'],
    base: 'v10.2.0',
    configuration: 'few devices',
    objects: 1,
    functions: [{ file: 'hw/vfio/pci.c', name: 'one', runs }],
    runs: 9,
    outside: [],
  },
});

const seedV2 = findRevision('seed-v2')!;

describe('the verdict on a patch that changes nothing', () => {
  it('says so, on an old and on the newest base', { timeout: 60_000 }, async () => {
    for (const base of [seedV2, NEWEST]) {
      const verdict = await judge({ name: 'nothing', listener: (rules) => ({ ...rules }) }, base, 150);
      expect(verdict.breaks).toBe(false);
      const lines = verdictText(verdict).trimEnd().split('\n');
      expect(lines).toHaveLength(3);
      expect(lines[0]).toMatch(/^changes nothing in 150 cases(; not exercised: [a-z-]+(, [a-z-]+)*)?$/);
      expect(lines[1]).toBe(`${base.id}+nothing against ${base.id}: 150 cases, seed verdict`);
      expect(lines[2]).toBe('costs: no direct-mapped byte, memslot or map');
      const reached = verdictText(ofTree(verdict, 3));
      expect(reached).toMatch(/^changes nothing in 150 cases/);
      expect(reached).toContain('one (hw/vfio/pci.c): exercised in 3 of 9 runs');
      expect(verdictText(ofTree(verdict, 0))).toMatch(
        /^not reached: one; 150 cases say nothing of the patch\n/,
      );
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
    const [effect, scope, costs] = text.split('\n');
    expect(effect).toMatch(
      /^breaks \d: ram-reachable\/not-mapped[^;]*; mends (nothing|1 in (some|all) cases); (uncovers \d+; )?hides \d causes?$/,
    );
    expect(scope).toMatch(
      /^seed-v2\+no-ram against seed-v2: 150 cases, seed verdict; .*never gets a: .*DMA map of RAM/,
    );
    expect(costs).toMatch(/^costs: .*maps -\d+ \(more in 0, less in \d+ cases\)/);
    expect(text).toMatch(/^ram-reachable +broken +not-mapped: breaks \d+ new cases \(0 -> \d+\)$/m);
    expect(text).toMatch(
      /^1 {2}ram-reachable \/ not-mapped: breaks \d+ new cases \(0 -> \d+\), shrunk in \d+ steps?$/m,
    );
    expect(text).toMatch(/in QEMU {3}hw\/vfio\/common\.c: vfio_listener_skipped_section/);
    const data = JSON.parse(toJsonLine(verdictToJson(verdict))) as { invariants: { status: string }[] };
    expect(data.invariants).toHaveLength(COMMON_INVARIANTS.length);
    expect(data).toMatchObject({ base: { id: 'seed-v2' }, patched: { id: 'seed-v2+no-ram' }, breaks: true });
  });

  it('is the same again, and on a target that returns promises', { timeout: 60_000 }, async () => {
    const again = await judge(definition, seedV2, 150);
    const later = await judge(definition, seedV2, 150, true);
    expect(verdictText(again)).toBe(verdictText(verdict));
    expect(verdictText(later)).toBe(verdictText(verdict));
  });
});

describe('the verdict on a patch that never comes to the point', () => {
  const causes = ({ invariants }: Verdict, id: string, beginning: string) =>
    invariants
      .find(({ invariant }) => invariant === id)!
      .causes.filter(({ cause }) => cause.startsWith(beginning));

  it(
    'hides the faults of memslots if the patch gives the guest no memslot',
    { timeout: 60_000 },
    async () => {
      const definition = { name: 'no-slots', memslots: { span: () => undefined } };
      const verdict = await judge(definition, NEWEST, 600);
      const memslots = causes(verdict, 'no-abort', 'memslot-');
      expect(memslots.length).toBeGreaterThan(0);
      expect(memslots.map(({ status }) => status)).toEqual(memslots.map(() => 'hidden'));
      expect(verdict.unreached).toEqual(
        expect.arrayContaining(['memslot of RAM', 'memslot of device memory']),
      );
      expect(verdictText(verdict)).toMatch(
        /^(?!breaks nothing;).*hides \d+ causes?\n.*never gets a: memslot of RAM/,
      );
    },
  );

  it('hides the faults of device memory if the patch maps none', { timeout: 60_000 }, async () => {
    const definition = { name: 'no-p2p', listener: { mapsDeviceMemory: () => false } };
    const verdict = await judge(definition, seedV2, 600);
    const [fragment] = causes(verdict, 'map-aligned', 'bar-fragment-unaligned');
    expect(fragment).toMatchObject({ status: 'hidden', cases: { fixed: 0 } });
  });

  it(
    'still says mended where the patch goes on with other requests of the kind',
    { timeout: 60_000 },
    async () => {
      const isWhole = (start: bigint, size: bigint, { iommu }: { iommu: bigint }) =>
        (start | size) % iommu === 0n;
      const verdict = await judge({ name: 'p', listener: { mapsDeviceMemory: isWhole } }, seedV2, 600);
      expect(causes(verdict, 'map-aligned', 'bar-fragment-unaligned')[0]).toMatchObject({ status: 'fixed' });
    },
  );
});

describe('causes that one smallest scenario shows', () => {
  it('are one finding, which the headline counts once', { timeout: 60_000 }, async () => {
    const definition: PatchDefinition = {
      name: 'seed-01',
      listener: { mapsDeviceMemory: () => true, deviceMemoryFailure: 'fatal' },
    };
    const verdict = await judge(definition, NEWEST, 600);
    const broken = verdict.findings.filter(({ effect }) => effect === 'breaks');
    const also = broken.flatMap((finding) => finding.also).map(fingerprintText);
    expect(also.length).toBeGreaterThan(0);
    expect(broken.length).toBeLessThan(causesOf(verdict, 'broken', 'worse', 'swapped').length);
    const text = verdictText(verdict, () => 'again and again');
    expect(text).toMatch(new RegExp(`^breaks ${broken.length}: [a-z]`));
    expect(text).toMatch(/\n {3}also breaks [a-z-]+ \/ \S+: breaks /);
    expect(text).toContain('\n   again     again and again\n');
    for (const { counterexample, invariant, cause, ...finding } of verdict.findings) {
      const shown = violationsOf(counterexample.traces.patched).concat(
        violationsOf(counterexample.traces.base),
      );
      expect(shown.map(fingerprintText)).toEqual(
        expect.arrayContaining([{ invariant, cause }, ...finding.also].map(fingerprintText)),
      );
    }
  });
});

describe('no verdict', () => {
  const sides = (base: RunScenario, patched: RunScenario, more: object = {}) =>
    validate({
      sides: { base: { id: 'old', title: '', run: base }, patched: { id: 'new', title: '', run: patched } },
      stored: [],
      scenarios: scenarios({ revision: NEWEST.id, iommuTypes: NEWEST.iommus }),
      devices: [],
      iommus: NEWEST.iommus,
      seed: 'verdict',
      runs: 20,
      ...more,
    });
  const works: RunScenario = (scenario) => runOnModel(scenario, NEWEST);
  const refuses: RunScenario = (scenario) => {
    const trace = runOnModel({ ...scenario, operations: [] }, NEWEST);
    return { ...trace, outcome: 'rejected', error: 'no such library', steps: trace.steps.slice(0, 1) };
  };
  const cannot: RunScenario = () => Promise.reject(new NotRunnable('no such machine'));

  it.each([
    ['no case ran', cannot, works, /^no case ran; in 20 cases: no such machine; there is no verdict$/],
    ['the base never starts', refuses, works, /^old starts in none of 20 cases: no such library; /],
    ['the patched side never starts', works, refuses, /^new starts in none of 20 cases: no such library; /],
  ])('comes of a comparison that says nothing: %s', async (_, base, patched, message) => {
    await expect(sides(base, patched, { mustStart: true })).rejects.toThrow(message);
  });

  it('comes of no case at all', async () => {
    await expect(sides(works, works, { runs: 0 })).rejects.toThrow('no case ran; there is no verdict');
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
      /^listener\.alignment answers the same question with 1099511627776n, then 4096n; a rule keeps no state/,
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
    const tally = {
      invariant: 'no-abort',
      cause: 'x',
      cases: { ...none, ...cases },
      first: {},
      requests: new Set<never>(),
    } as const;
    expect(statusOf(tally)).toBe(status);
  });
});
