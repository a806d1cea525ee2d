import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCChange } from '../src/cli/patch-source.ts';
import { reportOnSides, type ValidateReport } from '../src/cli/validate-report.ts';
import { InvalidInput } from '../src/input/index.ts';
import { mailOf, type SourceEdit } from './testing/source-edit.ts';

const tree = process.env['BARPROOF_QEMU_TREE'];
const skipped = tree === undefined ? ' (skipped: BARPROOF_QEMU_TREE names no QEMU source)' : '';

/** How long the base may take to build: some minutes, on two cores and without ccache. */
const BUILD_TIMEOUT = 1_800_000;
/** How long a patch may take. */
const PATCH_TIMEOUT = 300_000;

const EDITS = {
  nothing: {
    file: 'hw/vfio/listener.c',
    find: /(vaddr, section->readonly, section->mr\);\s*)if \(ret\)(?= \{\s*error_setg\(&err, "vfio_container_dma_map)/,
    by: '$1if (ret != 0)',
  },
  noTable: {
    file: 'hw/vfio/pci.c',
    find: /if \(object_property_get_bool\([^;]*?"vfio-no-msix-emulation"[^)]*\)\)/,
    by: 'if (true)',
  },
  skipsRam: {
    file: 'hw/vfio/listener.c',
    find: /return \(!memory_region_is_ram\(section->mr\)/,
    by: 'return int128_nz(int128_rshift(section->size, 12)) || (!memory_region_is_ram(section->mr)',
  },
  unreached: {
    file: 'hw/vfio/migration.c',
    find: /(static void vfio_migration_cleanup\([^{]*\{)/,
    by: '$1\n    /* nothing */',
  },
  notCompiled: {
    file: 'hw/vfio/ap.c',
    find: /(static void vfio_ap_realize\([^{]*\{)/,
    by: '$1\n    /* nothing */',
  },
  wrong: { file: 'hw/vfio/region.c', find: /(int vfio_region_mmap\([^{]*\{)/, by: '$1\n    undeclared++;' },
} as const satisfies Record<string, SourceEdit>;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-tree-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Judges the patch of an edit. */
function judge(
  name: keyof typeof EDITS,
  more: { readonly allowUnreached?: true } = {},
): Promise<ValidateReport> {
  const file = join(folder, `${name}.patch`);
  writeFileSync(file, mailOf(name, tree!, [EDITS[name]]));
  const options = {
    qemuTree: tree!,
    seed: 'tree',
    runs: 24,
    save: false,
    regressions: folder,
    json: true,
    ...more,
  } as const;
  return reportOnSides(
    file,
    { ...options, change: readCChange(file, options) },
    { emit: () => undefined, signal: new AbortController().signal },
  );
}

interface Told {
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
}

const told = ({ out }: ValidateReport): Told => JSON.parse(out) as Told;
const broken = ({ findings }: Told): string[] =>
  findings.filter(({ effect }) => effect === 'breaks').map(({ invariant, cause }) => `${invariant}/${cause}`);

describe.skipIf(tree === undefined)(`validate --qemu-tree${skipped}`, () => {
  it(
    'builds a base and a patch that changes nothing, says so, and leaves the source of the user alone',
    async () => {
      const before = listing();
      const report = await judge('nothing');
      const { summary, tree: patch } = told(report);
      expect(summary[0]).toMatch(/^changes nothing in \d+ cases/);
      expect(report.code).toBe(0);
      expect(patch.subject).toBe('nothing');
      expect(patch.functions).toHaveLength(1);
      expect(patch.functions[0]!.runs).toBeGreaterThan(20);
      expect(listing()).toBe(before);
    },
    BUILD_TIMEOUT,
  );

  it(
    'finds RAM that a listener leaves out',
    async () => {
      const report = await judge('skipsRam');
      expect(broken(told(report))).toContain('ram-reachable/not-mapped');
      expect(report.code).toBe(1);
    },
    PATCH_TIMEOUT,
  );

  it(
    'finds an MSI-X table that QEMU no longer emulates',
    async () => {
      const report = await judge('noTable');
      expect(broken(told(report)).join()).toContain('msix-trapped/');
      expect(report.code).toBe(1);
    },
    PATCH_TIMEOUT,
  );

  it(
    'gives no verdict on code that no case runs, unless the user allows that',
    async () => {
      const report = await judge('unreached');
      expect(told(report).summary[0]).toMatch(
        /^not reached: vfio_migration_cleanup; \d+ cases say nothing of the patch$/,
      );
      expect(report.code).toBe(2);
      expect((await judge('unreached', { allowUnreached: true })).code).toBe(0);
    },
    PATCH_TIMEOUT,
  );

  it(
    'gives no verdict on a file that is not compiled',
    async () => {
      const report = await judge('notCompiled');
      expect(told(report).summary[0]).toContain('nothing of the patch is compiled here: hw/vfio/ap.c');
      expect(report.code).toBe(2);
    },
    PATCH_TIMEOUT,
  );

  it(
    'tells where a patch does not compile, in which hunk, and what the compiler says; then the next patch is judged',
    async () => {
      const failure = await judge('wrong').catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(InvalidInput);
      const [{ message, details }] = (failure as InvalidInput).problems as [InvalidInput['problems'][number]];
      expect(message).toMatch(/^the patch does not compile: hw\/vfio\/region\.c:\d+$/);
      expect(details![0]).toMatch(/^hw\/vfio\/region\.c:\d+: error: .*undeclared/);
      expect(details!.join('\n')).toMatch(/in the hunk @@ .* @@/);
      expect(told(await judge('nothing')).summary[0]).toMatch(/^changes nothing/);
    },
    PATCH_TIMEOUT,
  );
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
