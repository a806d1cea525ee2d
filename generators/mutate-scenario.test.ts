import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeScenario, encodeScenario, toJsonLine, type Scenario } from '../src/scenario/index.ts';
import { arbitrary } from './arbitrary.ts';
import { GuidedCases } from './guided-cases.ts';
import { MUTATION_NAMES, mutateScenario } from './mutate-scenario.ts';
import { scenarios } from './scenario.ts';
import { wordsOf } from './scenario-words.ts';

const mutated = (base: Scenario, other: Scenario, seed: number): Scenario =>
  fc.sample(
    arbitrary(
      (choose) => mutateScenario(choose, base, other),
      () => [],
    ),
    { seed, numRuns: 1 },
  )[0]!;

describe('mutateScenario', () => {
  it('gives scenarios that barproof accepts from a file, most of them others than before', () => {
    let changed = 0;
    fc.assert(
      fc.property(scenarios(), scenarios(), fc.integer(), (base, other, seed) => {
        const scenario = mutated(base, other, seed);
        expect(decodeScenario(JSON.parse(toJsonLine(encodeScenario(scenario))))).toEqual(scenario);
        if (toJsonLine(scenario) !== toJsonLine(base)) changed++;
      }),
      { numRuns: 200 },
    );
    expect(changed).toBeGreaterThan(150);
    expect(MUTATION_NAMES.length).toBeGreaterThan(5);
  });
});

describe('GuidedCases', () => {
  const draw = (isNew: (index: number) => boolean, size = 40): readonly string[] => {
    const cases = new GuidedCases(scenarios(), { seed: 3, size });
    const texts: string[] = [];
    for (let scenario = cases.next(); scenario !== undefined; scenario = cases.next()) {
      cases.learn(scenario, isNew(texts.length));
      texts.push(toJsonLine(scenario));
    }
    return texts;
  };

  it('gives so many cases, the same for the same seed and the same answers', () => {
    expect(draw((index) => index % 3 === 0)).toHaveLength(40);
    expect(draw((index) => index % 3 === 0)).toEqual(draw((index) => index % 3 === 0));
  });

  it('mutates what showed something new', () => {
    const [guided, plain] = [draw(() => true, 200), draw(() => false, 200)];
    expect(guided[0]).toBe(plain[0]);
    expect(guided).not.toEqual(plain);
  });

  it('says more in as many cases as the plain generator, which its cases come from', () => {
    const plain = fc.sample(scenarios(), { seed: 3, numRuns: 40 });
    const guided = draw(() => false).map((text) => decodeScenario(JSON.parse(text)));
    const said = (all: readonly Scenario[]) =>
      new Set(all.flatMap((scenario) => [...wordsOf(scenario)])).size;
    expect(said(guided)).toBeGreaterThan(1.2 * said(plain));
  });
});
