import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCChange } from '../../src/cli/patch-source.ts';
import { reportOnSides } from '../../src/cli/validate-report.ts';
import type { SideOptions } from '../../src/cli/validate-command-options.ts';
import { mailOf, type SourceEdit } from './source-edit.ts';

/** The source of a QEMU, if the environment names one. */
export const tree = process.env['BARPROOF_QEMU_TREE'];
/** Why tests that need it are skipped, for their titles. */
export const skipped = tree === undefined ? ' (skipped: BARPROOF_QEMU_TREE names no QEMU source)' : '';

/** How many milliseconds a patch may take: some minutes where the base is not built, on two cores and without ccache. */
export const PATCH_TIMEOUT = 1_800_000;

/** What a verdict on C code says. */
export interface Told {
  readonly summary: readonly string[];
  readonly findings: readonly {
    readonly invariant: string;
    readonly cause: string;
    readonly effect: string;
  }[];
  readonly tree: {
    readonly subject: string;
    readonly functions: readonly { readonly name: string; readonly runs: number }[];
  };
  readonly code: number;
}

/** Judges the patch of an edit by 24 cases of each way into QEMU. @param name of the patch. */
export async function judgeEdit(
  name: string,
  edit: SourceEdit,
  more: Pick<SideOptions, 'allowUnreached' | 'targetList'> = {},
): Promise<Told> {
  const folder = mkdtempSync(join(tmpdir(), 'barproof-tree-'));
  try {
    const file = join(folder, `${name}.patch`);
    writeFileSync(file, mailOf(name, tree!, [edit]));
    const options = {
      qemuTree: tree!,
      seed: 'tree',
      runs: 24,
      save: false,
      regressions: folder,
      json: true,
      ...more,
    } as const;
    const { out, code } = await reportOnSides(
      file,
      { ...options, change: readCChange(file, options) },
      { emit: () => undefined, signal: new AbortController().signal },
    );
    return { ...(JSON.parse(out) as Omit<Told, 'code'>), code };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
