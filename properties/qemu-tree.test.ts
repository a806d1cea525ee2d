import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeEdit, PATCH_TIMEOUT, skipped, tree, type Told } from './testing/judge-edit.ts';
import { CHANGES_NOTHING } from './testing/source-edit.ts';

const broken = ({ findings }: Told): string[] =>
  findings.filter(({ effect }) => effect === 'breaks').map(({ invariant, cause }) => `${invariant}/${cause}`);

describe.skipIf(tree === undefined)(`validate --qemu-tree${skipped}`, { timeout: PATCH_TIMEOUT }, () => {
  it('says of a patch that changes nothing that it changes nothing, and leaves the source of the user alone', async () => {
    const before = listing();
    const { summary, tree: patch, code } = await judgeEdit('nothing', CHANGES_NOTHING);
    expect(summary[0]).toMatch(/^changes nothing in \d+ cases/);
    expect(code).toBe(0);
    expect(patch.subject).toBe('nothing');
    expect(patch.functions).toHaveLength(1);
    expect(patch.functions[0]!.runs).toBeGreaterThan(20);
    expect(listing()).toBe(before);
  });

  it('finds RAM that a listener leaves out', async () => {
    const verdict = await judgeEdit('skips-ram', {
      file: 'hw/vfio/listener.c',
      find: /return \(!memory_region_is_ram\(section->mr\)/,
      by: 'return int128_nz(int128_rshift(section->size, 12)) || (!memory_region_is_ram(section->mr)',
    });
    expect(broken(verdict)).toContain('ram-reachable/not-mapped');
    expect(verdict.code).toBe(1);
  });

  it('finds an MSI-X table that QEMU no longer emulates', async () => {
    const verdict = await judgeEdit('no-table', {
      file: 'hw/vfio/pci.c',
      find: /if \(object_property_get_bool\([^;]*?"vfio-no-msix-emulation"[^)]*\)\)/,
      by: 'if (true)',
    });
    expect(broken(verdict).join()).toContain('msix-trapped/');
    expect(verdict.code).toBe(1);
  });
});

/** The files of the source with their sizes and times. */
const listing = (): string => {
  expect(existsSync(join(tree!, 'configure'))).toBe(true);
  return execFileSync('find', ['.', '-printf', '%p %s %T@\n'], {
    cwd: tree!,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
};
