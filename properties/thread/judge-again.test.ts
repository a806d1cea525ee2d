import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '../../src/input/index.ts';
import { runInProcess } from '../../src/cli/testing/run-in-process.ts';
import { PROPOSALS } from './proposals.ts';
import { PATCHES, verdictFile } from './stored-verdict.ts';

/**
 * Makes the stored verdicts anew after a change of the engine or the generators. Not part of a test run:
 * `npm run remake:verdicts` runs this file and then makes the page of the verdicts.
 */
describe.runIf(process.env['JUDGE_AGAIN'] !== undefined)('the stored verdict', { timeout: 600_000 }, () => {
  it.each(PROPOSALS)('on %s is made anew', async (name) => {
    const words = ['validate', join(PATCHES, `${name}.ts`), '--seed', 'thread', '--no-save', '--json'];
    const { code, out } = await runInProcess(words);
    expect(code).not.toBe(2);
    writeAtomically(verdictFile(name), out);
  });
});
