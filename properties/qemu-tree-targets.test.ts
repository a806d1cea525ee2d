import { describe, expect, it } from 'vitest';
import { judgeEdit, PATCH_TIMEOUT, tree, type Told } from './testing/judge-edit.ts';
import { CHANGES_NOTHING, type SourceEdit } from './testing/source-edit.ts';

/**
 * Patches to code that runs on virt and pseries alone. The base is built for all targets first, in minutes, and so the
 * test is asked for: `BARPROOF_TREE_TARGETS=1`.
 */
const isAsked = tree !== undefined && process.env['BARPROOF_TREE_TARGETS'] === '1';
const skipped = isAsked
  ? ''
  : ' (skipped: BARPROOF_TREE_TARGETS is not 1, or BARPROOF_QEMU_TREE names no QEMU)';

const TARGETS = { targetList: ['x86_64', 'aarch64', 'ppc64'] } as const;

/** The rule that was posted in 2017: it keeps the number of the page, where it means the bytes in the page. */
const SKIP_AS_POSTED: SourceEdit = {
  file: 'hw/vfio/listener.c',
  find: /(memory_region_is_protected\(section->mr\) \|\|)/,
  by: '$1\n           ((section->offset_within_address_space | int128_get64(section->size)) & qemu_real_host_page_mask()) ||',
};

/** The DMA window that QEMU notes is a byte longer than the one that the host gave, and is not found when it goes. */
const WINDOW_TOO_LONG: SourceEdit = {
  file: 'hw/vfio/spapr.c',
  find: /(vfio_host_win_add\(scontainer, section->offset_within_address_space,\s*section->offset_within_address_space \+\s*int128_get64\(section->size\)) - 1, pgsize\)/,
  by: '$1, pgsize)',
};

const broken = ({ findings }: Told): string[] =>
  findings.filter(({ effect }) => effect === 'breaks').map(({ invariant, cause }) => `${invariant}/${cause}`);

describe.skipIf(!isAsked)(
  `validate --target-list x86_64,aarch64,ppc64${skipped}`,
  { timeout: PATCH_TIMEOUT },
  () => {
    it('says of a patch that changes nothing that it changes nothing', async () => {
      const { summary, code } = await judgeEdit('nothing', CHANGES_NOTHING, TARGETS);
      expect(summary[0]).toMatch(/^changes nothing in \d+ cases/);
      expect(code).toBe(0);
    });

    it('finds RAM that the listener leaves out on virt', async () => {
      const verdict = await judgeEdit('skip-as-posted', SKIP_AS_POSTED, TARGETS);
      expect(broken(verdict)).toContain('ram-reachable/not-mapped');
      expect(verdict.code).toBe(1);
    });

    it('finds a DMA window of pseries that cannot go', async () => {
      const verdict = await judgeEdit('window-too-long', WINDOW_TOO_LONG, TARGETS);
      expect(verdict.tree.functions).toMatchObject([{ name: 'vfio_spapr_container_add_section_window' }]);
      expect(verdict.tree.functions[0]!.runs).toBeGreaterThan(0);
      expect(broken(verdict)).toContain('no-abort/hw-error');
      expect(verdict.code).toBe(1);
    });
  },
);
