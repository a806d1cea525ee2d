import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { programName, type Architecture } from '../qemu/process/index.ts';
import { DEFAULT_TARGETS } from './build-target.ts';
import { buildBase, buildSides } from './build-sides.ts';
import { readSeries } from './series.ts';
import type { BuiltSides } from './base-folder.ts';
import { Stages } from './stages.ts';
import { SMALL_QEMU, whyNoBuild } from './testing/small-qemu.ts';
import { commitFiles, git } from './testing/small-tree.ts';
import { TreeCache } from './tree-cache.ts';
import { TreeFailure } from './tree-error.ts';
import { openUserTree } from './user-tree.ts';

const obstacle = whyNoBuild();
const skipped = obstacle === undefined ? '' : ` (skipped: ${obstacle})`;

let folder: string;
let cache: TreeCache;
const user = (): string => join(folder, 'user');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-sides-'));
  cache = new TreeCache(join(folder, 'cache'));
  commitFiles(user(), SMALL_QEMU);
  chmodSync(join(user(), 'configure'), 0o755);
  git(user(), 'commit', '--quiet', '--all', '--message', 'mode');
});
afterEach(() => rmSync(folder, { recursive: true }));

const returns = (text: string): string =>
  `--- a/hw/vfio/pci.c\n+++ b/hw/vfio/pci.c\n@@ -3,5 +3,5 @@\n int pci_value(void)\n {\n-    return VALUE;\n+    return ${text};\n }\n \n`;

interface Built extends BuiltSides {
  readonly told: string;
}

async function build(patch: string, signal?: AbortSignal, targets = DEFAULT_TARGETS): Promise<Built> {
  const tree = await openUserTree(user(), cache.unpacked());
  const base = await tree.resolve('HEAD', 'HEAD');
  const stages = new Stages(() => undefined);
  try {
    const change = { series: readSeries(patch) };
    return {
      ...(await buildSides({ tree, base, targets, change, cache, stages, signal })),
      told: stages.done,
    };
  } finally {
    stages.close();
  }
}

const failureOf = async (patch: string): Promise<TreeFailure> => {
  const failure = await build(patch).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TreeFailure);
  return failure as TreeFailure;
};

const prints = (side: string, architecture: Architecture = 'x86_64'): string =>
  execFileSync(join(side, programName(architecture)), { encoding: 'utf8' }).trim();

describe.skipIf(obstacle !== undefined)(`buildSides${skipped}`, () => {
  it('builds base and patch, and keeps both', async () => {
    const built = await build(returns('8'));
    expect([prints(built.base), prints(built.patched)]).toEqual(['7', '8']);
    expect(built).toMatchObject({ objects: 1, configuration: 'few devices for x86_64' });
    expect(built.functions).toMatchObject([{ name: 'pci_value', file: 'hw/vfio/pci.c', compiled: true }]);
    built.release();
    const again = await build(returns('8'));
    expect(again.told).toBe('base cached · patch cached');
    const other = await build(returns('9'));
    expect(other.told).toMatch(/^base cached · apply(?: \d+ s)? · patched 1 object(?: \d+ s)?$/);
    expect([prints(other.base), prints(other.patched), prints(again.patched)]).toEqual(['7', '9', '8']);
  });

  it('does not count the objects that go back to what they were before another patch', async () => {
    await build(returns('8'));
    const { objects } = await build('--- a/README\n+++ b/README\n@@ -1 +1 @@\n-x\n+y\n');
    expect(objects).toBe(0);
  });

  it('knows the functions that the build leaves out', async () => {
    const patch = '--- a/hw/vfio/pci.c\n+++ b/hw/vfio/pci.c\n@@ -11 +11 @@\n-    return 1;\n+    return 2;\n';
    const { functions } = await build(patch);
    expect(functions).toMatchObject([{ name: 'with_many_devices', compiled: false }]);
  });

  it('builds several targets, each with its own program and files', async () => {
    const built = await build(returns('8'), undefined, ['ppc64', 'x86_64']);
    expect(built.configuration).toBe('few devices for x86_64, ppc64');
    for (const architecture of ['x86_64', 'ppc64'] as const)
      expect([prints(built.base, architecture), prints(built.patched, architecture)]).toEqual(['7', '8']);
    expect(Object.keys(built.programs)).toEqual(['x86_64', 'ppc64']);
    expect(cache.list()).toMatchObject([{ configuration: 'few devices for x86_64, ppc64' }]);
    built.release();
    // Another list of targets is another build.
    expect((await build(returns('8'))).told).toContain('configure');
    expect(cache.list()).toHaveLength(2);
  });

  it('names the target that would compile a file that this build leaves out', async () => {
    const patch =
      '--- a/hw/vfio/spapr.c\n+++ b/hw/vfio/spapr.c\n@@ -5 +5 @@\n-    return 4;\n+    return 5;\n';
    const alone = await build(patch);
    expect(alone).toMatchObject({ objects: 0, leftOut: { 'hw/vfio/spapr.c': ['ppc64'] } });
    expect(alone.functions).toMatchObject([{ name: 'spapr_window', compiled: false }]);
    const both = await build(patch, undefined, ['x86_64', 'ppc64']);
    expect(both).toMatchObject({ objects: 1, leftOut: {} });
    expect(both.functions).toMatchObject([{ name: 'spapr_window', compiled: true }]);
  });

  it('builds everything that includes a header', async () => {
    const { patched, objects, code } = await build(
      '--- a/hw/vfio/pci.h\n+++ b/hw/vfio/pci.h\n@@ -1 +1 @@\n-#define VALUE 7\n+#define VALUE 6\n',
    );
    expect(prints(patched)).toBe('6');
    expect(objects).toBe(2);
    expect(code).toMatchObject({ functions: [], outside: ['hw/vfio/pci.h'] });
  });

  it('tells a patch that does not compile, and builds the next one', async () => {
    const failure = await failureOf(returns('undeclared'));
    expect(failure.kind).toBe('compile');
    const [{ message, details }] = failure.problems as [TreeFailure['problems'][number]];
    expect(message).toBe('the patch does not compile: hw/vfio/pci.c:5');
    expect(details!.join('\n')).toMatch(/error: .undeclared. undeclared[^]*in the hunk @@ -2,7 \+2,7 @@/);
    expect(prints((await build(returns('8'))).patched)).toBe('8');
  });

  it('builds with more devices where the patch does not link with few', async () => {
    const built = await build(returns('with_many_devices()'));
    expect(built.configuration).toBe("QEMU's default devices for x86_64");
    expect([prints(built.base), prints(built.patched)]).toEqual(['7', '1']);
    expect(built.told).toMatch(
      /few devices for x86_64: does not link \(undefined reference to .with_many_devices.\)/,
    );
  });

  it('builds a base ahead of its patches', async () => {
    const tree = await openUserTree(user(), cache.unpacked());
    const base = await tree.resolve('HEAD', 'HEAD');
    const told = async (): Promise<string> => {
      const stages = new Stages(() => undefined);
      await buildBase({ tree, base, targets: DEFAULT_TARGETS, cache, stages });
      stages.close();
      return stages.done;
    };
    expect(await told()).toContain('build');
    expect(await told()).toBe('base cached');
    expect(cache.list()).toMatchObject([{ patches: 0, isInUse: false }]);
    expect((await build(returns('8'))).told).toContain('base cached');
  });

  it('tells a patch that links in no configuration', async () => {
    const failure = await failureOf(returns('nowhere()'));
    expect(failure.kind).toBe('link');
    expect(failure.problems[0]!.details!.join('\n')).toContain('undefined reference to `nowhere');
  });

  it('tells what configure says', async () => {
    const configure = join(user(), 'configure');
    writeFileSync(configure, '#!/bin/sh\necho "ERROR: glib is missing"\nexit 1\n');
    git(user(), 'commit', '--quiet', '--all', '--message', 'x');
    const failure = await failureOf(returns('8'));
    expect(failure.kind).toBe('configure');
    expect(failure.problems[0]!.details![0]).toBe('ERROR: glib is missing');
  });

  it('lets two runs on the same base build one after the other', async () => {
    const [one, two] = await Promise.all([build(returns('1')), build(returns('2'))]);
    expect([prints(one.patched), prints(two.patched)]).toEqual(['1', '2']);
    expect(cache.list()).toHaveLength(1);
    expect([one.told, two.told].filter((told) => told.includes('another barproof builds'))).toHaveLength(1);
  });

  it('builds after an interrupt what was not finished', async () => {
    const interrupt = new AbortController();
    interrupt.abort(new Error('interrupted'));
    await expect(build(returns('8'), interrupt.signal)).rejects.toThrow('interrupted');
    const built = await build(returns('8'));
    writeFileSync(join(cache.root, 'bases', readdirSync(join(cache.root, 'bases'))[0]!, 'unfinished'), '');
    const other = await build(returns('9'));
    expect(other.told).toContain('configure');
    expect([prints(built.patched), prints(other.patched)]).toEqual(['8', '9']);
  });

  it('judges a range of commits', async () => {
    writeFileSync(
      join(user(), 'hw/vfio/pci.c'),
      SMALL_QEMU['hw/vfio/pci.c']!.replace('return VALUE', 'return 5'),
    );
    git(user(), 'commit', '--quiet', '--all', '--message', 'x');
    const tree = await openUserTree(user(), cache.unpacked());
    const [base, commit] = await Promise.all([tree.resolve('HEAD~1', ''), tree.resolve('HEAD', '')]);
    expect(await tree.filesBetween(base, commit)).toEqual(['hw/vfio/pci.c']);
    const stages = new Stages(() => undefined);
    const built = await buildSides({
      tree,
      base,
      targets: DEFAULT_TARGETS,
      change: { commit },
      cache,
      stages,
    });
    stages.close();
    expect([prints(built.base), prints(built.patched)]).toEqual(['7', '5']);
  });
});
