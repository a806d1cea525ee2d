import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadBugs } from './known-bugs/bugs.ts';
import { measure, writeResults } from './known-bugs/measure.ts';
import { readmeOf } from './known-bugs/readme.ts';
import { README, readLeftOut, readResults } from './known-bugs/results.ts';

/** BARPROOF_SEEDS=20 npx vitest run properties/measure-known-bugs.test.ts takes hours. */
const seeds = Number(process.env['BARPROOF_SEEDS'] ?? 0);
const most = Number(process.env['BARPROOF_CASES'] ?? 20_000);
/** Ids of bugs, separated by commas; the other bugs keep their stored measurements. */
const only = process.env['BARPROOF_BUGS']?.split(',');

describe.runIf(seeds > 0)('the measurement of known bugs', () => {
  it('is stored, and the page is made anew', { timeout: 0 }, async () => {
    const bugs = await loadBugs();
    const measured = measure(
      bugs.filter(({ id }) => only?.includes(id) ?? true),
      { seeds, most, cases: Math.min(most, 10_000) },
      (line) => process.stderr.write(`${line}\n`),
    );
    const kept = readResults().filter(({ id }) => !measured.some((result) => result.id === id));
    writeResults([...kept, ...measured].toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    writeFileSync(README, readmeOf(bugs, readResults(), readLeftOut()));
    expect(readFileSync(README, 'utf8')).toContain(bugs[0]!.title);
  });
});
