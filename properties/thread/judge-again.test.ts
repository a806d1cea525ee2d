import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { writeAtomically } from '../../src/campaign/index.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { PROPOSALS } from './proposals.ts';
import { PATCHES, verdictFile } from './stored-verdict.ts';

/**
 * Makes the stored verdicts anew, after the engine or the generators have changed. Not part of a test
 * run: JUDGE_AGAIN=1 npx vitest run -u properties/thread properties/thread-verdicts.test.ts
 */
describe.runIf(process.env['JUDGE_AGAIN'] !== undefined)('the verdict', { timeout: 600_000 }, () => {
  it.each(PROPOSALS)('on %s', async (name) => {
    const printed: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed.push(String(text));
      return true;
    });
    const words = ['validate', join(PATCHES, `${name}.ts`), '--seed', 'thread', '--json'];
    const code = await runCommandLine(words).finally(() => write.mockRestore());
    expect(code).not.toBe(2);
    writeAtomically(verdictFile(name), printed.join(''));
  });
});
