import { describe, expect, it } from 'vitest';
import { FingerprintSet } from '../src/invariants/index.ts';
import { loadBugs } from './known-bugs/bugs.ts';
import { huntGuided } from './known-bugs/hunt-guided.ts';
import { Cases, hunt } from './known-bugs/hunt.ts';
import { readResults } from './known-bugs/results.ts';

/** BARPROOF_GUIDANCE_SEEDS=10 npx vitest run properties/measure-guidance.test.ts takes minutes. */
const seeds = Number(process.env['BARPROOF_GUIDANCE_SEEDS'] ?? 0);
const most = Number(process.env['BARPROOF_CASES'] ?? 3000);
/** Bugs for which a plain search needs so many cases in the median are rare. */
const RARE = 100;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)]!;

describe.runIf(seeds > 0)('the measurement of guidance', () => {
  it('says at equal seeds how many cases a plain and a guided search need', { timeout: 0 }, async () => {
    const rare = new Set(readResults().flatMap(({ id, cases }) => (median(cases) >= RARE ? [id] : [])));
    const bugs = (await loadBugs()).filter(({ id }) => rare.has(id));
    const rows = bugs.map((bug) => {
      const numbers = { plain: [] as number[], guided: [] as number[] };
      for (let seed = 1; seed <= seeds; seed++) {
        numbers.plain.push(hunt(bug, new Cases(String(seed)), most, new FingerprintSet())?.cases ?? most);
        numbers.guided.push(huntGuided(bug, String(seed), most) ?? most);
      }
      const [plain, guided] = [median(numbers.plain), median(numbers.guided)];
      const row = { id: bug.id, seeds, plain, guided, ratio: Number((guided / plain).toFixed(2)) };
      process.stderr.write(
        `${row.id}: plain ${plain}, guided ${guided} cases in the median of ${seeds} seeds\n`,
      );
      return row;
    });
    const ratio = median(rows.map((row) => row.ratio));
    process.stderr.write(`median ratio ${ratio}\n${JSON.stringify({ ratio, rows })}\n`);
    expect(rows.length).toBeGreaterThan(0);
  });
});
