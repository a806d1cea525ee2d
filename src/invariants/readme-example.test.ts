import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { transform } from 'sucrase';
import { describe, expect, it } from 'vitest';
import { blocksOf } from '../../properties/pages/page.ts';
import { examine, type Invariant } from './index.ts';
import { PAGE, container, mapEvent, mapping, state, trace } from './testing/index.ts';

const page = readFileSync(fileURLToPath(new URL('./README.md', import.meta.url)), 'utf8');
const example = blocksOf(page).find(({ language }) => language === 'ts')!.text;

/** The invariant that the example defines. */
function runExample(): Invariant {
  const exports: { mappingsStayFew?: Invariant } = {};
  const { code } = transform(example, { transforms: ['typescript', 'imports'] });
  runInContext(code, createContext({ exports, require: () => ({}) }));
  return exports.mappingsStayFew!;
}

const mappings = (count: number) =>
  container(Array.from({ length: count }, (_, at) => mapping(BigInt(at) * PAGE, PAGE)));

describe('the example in src/invariants/README.md', () => {
  const judged = (counts: readonly number[], errno: 0 | 22) =>
    examine(
      trace(
        counts.map((count) => ({
          events: [mapEvent(0n, PAGE, { errno })],
          state: state({ containers: [mappings(count)] }),
        })),
      ),
      runExample(),
    );

  it('has fewer than 30 lines', () => {
    expect(example.split('\n').length - 1).toBeLessThan(30);
  });

  it('holds for few mappings', () => {
    const { exercised, violations } = judged([1, 16], 0);
    expect(exercised).toBe(17);
    expect(violations).toEqual([]);
  });

  it('warns of the first step with many mappings, and of refused requests', () => {
    expect(judged([16, 17, 18], 22).violations).toEqual([
      { invariant: 'mappings-stay-few', cause: 'many', message: 'container has 17 mappings', step: 1 },
      { invariant: 'mappings-stay-few', cause: 'refused', message: 'by hand: 3 are refused', step: 2 },
    ]);
  });
});
