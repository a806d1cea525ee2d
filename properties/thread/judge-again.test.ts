import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '../../src/campaign/index.ts';
import { runInProcess } from '../../src/cli/testing/run-in-process.ts';
import { PROPOSALS } from './proposals.ts';
import { PATCHES, verdictFile } from './stored-verdict.ts';

/**
 * Makes the stored verdicts anew, after the engine or the generators have changed. Not part of a test run:
 * JUDGE_AGAIN=1 npx vitest run properties/thread/ && npx vitest run properties/thread-verdicts.test.ts --update
 */
describe.runIf(process.env['JUDGE_AGAIN'] !== undefined)('the verdict', { timeout: 600_000 }, () => {
  it.each(PROPOSALS)('on %s', async (name) => {
    const words = ['validate', join(PATCHES, `${name}.ts`), '--seed', 'thread', '--json'];
    const { code, out } = await runInProcess(words);
    expect(code).not.toBe(2);
    writeAtomically(verdictFile(name), out);
  });
});
