import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REAL_DEVICES, scenarios } from '../generators/index.ts';
import * as library from '../src/index.ts';
import { findInvariant, sameFingerprint } from '../src/invariants/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { causeText } from '../src/report/index.ts';
import { compareOn } from '../src/validate/difference.ts';
import { loadPatch, runPatched, validate, type CauseStatus, type Patch } from '../src/validate/index.ts';
import { findRevision } from '../src/vfio/index.ts';
import { threadPage } from './thread/page.ts';
import { PROPOSALS } from './thread/proposals.ts';
import { PATCHES, casesOf, loadVerdict } from './thread/stored-verdict.ts';

/** The number of fresh cases for each proposal, beside the stored ones. */
const RUNS = 250;

const load = (name: string): Patch => loadPatch(join(PATCHES, `${name}.ts`), { barproof: library }).patch;

/** Base and patched side of a proposal. */
function sidesOf(name: string) {
  const patch = load(name);
  const base = findRevision(patch.definition.base!)!;
  const { revision, run, guard } = runPatched(patch, base);
  return {
    base: { id: base.id, title: base.title, run: (scenario: library.Scenario) => runOnModel(scenario, base) },
    patched: { id: revision.id, title: revision.title, run },
    revision: base,
    guard,
  };
}

it('every patch in regressions/patches is a proposal on the page and has a stored verdict', () => {
  const files = readdirSync(PATCHES);
  const named = (ending: string) =>
    files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length));
  expect(named('.ts').toSorted()).toEqual([...PROPOSALS].toSorted());
  expect(named('.verdict.json').toSorted()).toEqual([...PROPOSALS].toSorted());
});

describe.each(PROPOSALS)('%s', (name) => {
  const stored = loadVerdict(name);
  const cases = casesOf(stored);

  it('differs from its base in every stored case as the stored verdict says', () => {
    const { base, patched } = sidesOf(name);
    const seen = cases.map(({ fingerprint, scenario }) => {
      const traces = { base: base.run(scenario), patched: patched.run(scenario) };
      const invariant = findInvariant(fingerprint.invariant);
      const found = compareOn(invariant, traces).differences.find((other) =>
        sameFingerprint(other.fingerprint, fingerprint),
      );
      return { fingerprint, difference: found?.difference };
    });
    expect(seen, 'if the engine is right: npm run remake:verdicts').toEqual(
      cases.map(({ fingerprint, difference }) => ({ fingerprint, difference })),
    );
  });

  it('fixes and breaks in fresh cases only what the stored verdict says', async () => {
    const { base, patched, revision, guard } = sidesOf(name);
    const fresh = await validate({
      sides: { base, patched },
      guard,
      stored: cases.map(({ scenario }) => scenario),
      scenarios: scenarios({ revision: base.id, iommuTypes: revision.iommus }),
      devices: REAL_DEVICES.slice(0, 3),
      iommus: revision.iommus,
      seed: 'thread, once more',
      runs: RUNS,
    });
    const causesOf = (
      invariants: readonly { invariant: string; causes: readonly { cause: string; status: CauseStatus }[] }[],
      ...statuses: readonly CauseStatus[]
    ) =>
      invariants.flatMap(({ invariant, causes }) =>
        causes.filter(({ status }) => statuses.includes(status)).map(({ cause }) => `${invariant}/${cause}`),
      );
    const breaking = ['broken', 'swapped', 'worse'] as const;
    const broken = causesOf(fresh.invariants, ...breaking);
    expect(broken).toEqual(expect.arrayContaining(causesOf(stored.invariants, ...breaking)));
    expect(causesOf(stored.invariants, ...breaking)).toEqual(
      expect.arrayContaining(causesOf(fresh.invariants, 'broken', 'worse')),
    );
    // With more cases the base may show a cause too; with fewer, every base run may stop before it shows the cause.
    expect(causesOf(stored.invariants, ...breaking, 'still broken', 'uncovered')).toEqual(
      expect.arrayContaining(broken),
    );
    // A cause may be fixed in the fresh cases and only better in the stored ones, which are more.
    const mended = ['fixed', 'better', 'worse', 'still broken', 'hidden'] as const;
    expect(causesOf(stored.invariants, ...mended)).toEqual(
      expect.arrayContaining(causesOf(fresh.invariants, 'fixed', 'better')),
    );
    expect(fresh.breaks).toBe(stored.breaks);
  });
});

describe('the words of every stored verdict', () => {
  const verdicts = PROPOSALS.map((name) => [name, loadVerdict(name)] as const);
  const numberIn = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);

  it.each(verdicts)('come from its counts: %s', (_, { invariants, findings, breaks, summary }) => {
    for (const { causes } of invariants) {
      for (const { cause, cases, status } of causes) {
        const text = causeText(cases);
        const [, before, after] = /\((\d+) -> (\d+)\)$/.exec(text)!.map(Number);
        const { both, fixed, hidden, broken, swapped, uncovered } = cases;
        expect([before, after], cause).toEqual([both + fixed + hidden, both + broken + swapped + uncovered]);
        // The difference of the numbers is that of the words.
        const [added, gone] = [/(?:breaks|uncovers) (\d+)/g, /(?:mends|hides) (\d+)/g].map((verb) =>
          [...text.matchAll(verb)].reduce((sum, [, number]) => sum + Number(number), 0),
        );
        expect(added! - gone!, text).toBe(after! - before!);
        expect(text.includes('breaks'), text).toBe(['broken', 'worse', 'swapped'].includes(status));
        expect(status === 'fixed', text).toBe(fixed > 0 && after === 0);
      }
    }
    const errors = findings.filter(({ severity }) => severity === 'error');
    const effects = (effect: string) => errors.filter((finding) => finding.effect === effect).length;
    const broken = [/breaks (\d+)/, /in more cases, (\d+)/, /in other cases, (\d+)/].map((pattern) =>
      numberIn(summary[0]!, pattern),
    );
    expect(broken.reduce((sum, number) => sum + number)).toBe(effects('breaks'));
    expect(numberIn(summary[0]!, /(\d+) in all cases/) + numberIn(summary[0]!, /(\d+) in some cases/)).toBe(
      effects('mends'),
    );
    expect(effects('breaks') > 0).toBe(breaks);
  });

  it.each(verdicts)('say more where there is more, and less where there is less: %s', (_, { summary }) => {
    for (const [text, change, more, less] of summary[2]!.matchAll(
      /([+-][\d.]+)[^(]*\(more in (\d+), less in (\d+) cases\)/g,
    )) {
      if (change!.startsWith('+')) expect(Number(more), text).toBeGreaterThan(0);
      else expect(Number(less), text).toBeGreaterThan(0);
    }
  });
});

it('the page regressions/patches/README.md is made of the stored verdicts', async () => {
  const judged = new Map(
    PROPOSALS.map((name) => [name, { name, patch: load(name), verdict: loadVerdict(name) }] as const),
  );
  await expect(threadPage(judged)).toMatchFileSnapshot('../regressions/patches/README.md');
});
