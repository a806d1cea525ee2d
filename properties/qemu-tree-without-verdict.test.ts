import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../src/input/index.ts';
import { judgeEdit, PATCH_TIMEOUT, skipped, tree } from './testing/judge-edit.ts';
import { CHANGES_NOTHING, type SourceEdit } from './testing/source-edit.ts';

const UNREACHED = {
  file: 'hw/vfio/migration.c',
  find: /(static void vfio_migration_cleanup\([^{]*\{)/,
  by: '$1\n    /* nothing */',
} as const satisfies SourceEdit;

describe.skipIf(tree === undefined)(`validate --qemu-tree${skipped}`, { timeout: PATCH_TIMEOUT }, () => {
  it('gives no verdict on code that no case runs, unless the user allows that', async () => {
    const { summary, code } = await judgeEdit('unreached', UNREACHED);
    expect(summary[0]).toMatch(/^not reached: vfio_migration_cleanup; \d+ cases say nothing of the patch$/);
    expect(code).toBe(2);
    expect((await judgeEdit('unreached', UNREACHED, { allowUnreached: true })).code).toBe(0);
  });

  it.each([
    ['is not compiled', 'hw/vfio/ap.c', /(static void vfio_ap_realize\([^{]*\{)/],
    ['no build reads', 'README.rst', /(^)/],
  ])('runs no case for a file that %s', async (_, file, find) => {
    const edit = { file, find, by: '$1\n/* nothing */\n' };
    const failure = await judgeEdit('not-compiled', edit).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InvalidInput);
    expect((failure as InvalidInput).problems[0]!.message).toBe(
      `nothing of the patch is compiled here: ${file}; there is no verdict (--allow-unreached compares all the same)`,
    );
  });

  it('tells where a patch does not compile, in which hunk, and what the compiler says; then it judges the next', async () => {
    const failure = await judgeEdit('wrong', {
      file: 'hw/vfio/region.c',
      find: /(int vfio_region_mmap\([^{]*\{)/,
      by: '$1\n    undeclared++;',
    }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InvalidInput);
    const [{ message, details }] = (failure as InvalidInput).problems as [InvalidInput['problems'][number]];
    expect(message).toMatch(/^the patch does not compile: hw\/vfio\/region\.c:\d+$/);
    expect(details![0]).toMatch(/^hw\/vfio\/region\.c:\d+: error: .*undeclared/);
    expect(details!.join('\n')).toMatch(/in the hunk @@ .* @@/);
    expect((await judgeEdit('nothing', CHANGES_NOTHING)).summary[0]).toMatch(/^changes nothing/);
  });
});
