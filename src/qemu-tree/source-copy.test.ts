import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSeries } from './series.ts';
import { SourceCopy } from './source-copy.ts';
import { commitFiles, git, lineChange, SMALL_SOURCE, writeFiles } from './testing/small-tree.ts';
import { TreeFailure } from './tree-error.ts';
import { openUserTree, type Commit } from './user-tree.ts';

let folder: string;
let user: string;
let copy: SourceCopy;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-tree-'));
  user = join(folder, 'user');
  copy = new SourceCopy(join(folder, 'copy'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (path = user) => openUserTree(path, join(folder, 'unpacked'));
const text = (name: string): string => readFileSync(join(copy.folder, name), 'utf8');

async function checkout(): Promise<Commit> {
  const tree = await open();
  const base = await tree.resolve('HEAD', 'HEAD');
  await copy.checkout(tree, base);
  return base;
}

/** Every file of a folder with its contents and time. */
const everything = (path: string): string =>
  execFileSync('find', ['.', '-printf', '%p %T@ %s\n'], { cwd: path, encoding: 'utf8' });

describe('openUserTree', () => {
  it('finds the commits of a git tree, and names them by the newest tag', async () => {
    const id = commitFiles(user, SMALL_SOURCE);
    expect(await (await open()).resolve('HEAD', 'HEAD')).toEqual({ id, title: `99.0.0-g${id.slice(0, 10)}` });
    git(user, 'tag', 'v99.0.0');
    expect((await (await open()).resolve(id, '--onto')).title).toBe('v99.0.0');
  });

  it('reads a bare git tree', async () => {
    const id = commitFiles(user, SMALL_SOURCE);
    const bare = join(folder, 'bare.git');
    git(folder, 'clone', '--quiet', '--bare', user, bare);
    const tree = await open(bare);
    const base = await tree.resolve('HEAD', 'HEAD');
    expect(base.id).toBe(id);
    await copy.checkout(tree, base);
    expect(text('VERSION')).toBe('99.0.0\n');
  });

  it('reads an unpacked source, also inside of a git tree of another project', async () => {
    commitFiles(folder, { 'other.c': 'x' });
    writeFiles(user, SMALL_SOURCE);
    const tree = await open();
    const first = await tree.resolve('HEAD', 'HEAD');
    expect(first.title).toBe('99.0.0, unpacked');
    writeFileSync(join(user, 'VERSION'), '99.0.1\n');
    const second = await (await open()).resolve('HEAD', 'HEAD');
    expect(second).toMatchObject({ title: '99.0.1, unpacked' });
    expect(second.id).not.toBe(first.id);
    await copy.checkout(tree, first);
    expect(text('VERSION')).toBe('99.0.0\n');
    await expect(tree.resolve('v1', '--onto')).rejects.toThrow('without commits; leave --onto out');
  });

  it('reads an unpacked source for several at a time, also where a git was killed in its middle', async () => {
    writeFiles(user, SMALL_SOURCE);
    const { objects } = await open();
    writeFileSync(join(dirname(objects), 'index.lock'), '');
    const trees = await Promise.all([open(), open(), open()]);
    const ids = await Promise.all(trees.map(async (tree) => (await tree.resolve('HEAD', '')).id));
    expect(new Set(ids).size).toBe(1);
  });

  it.each([
    ['no folder', () => 'missing', 'there is no such folder'],
    ['another folder', () => commitAnd({ 'a.c': 'x' }), 'has no configure'],
    ['a folder without git', () => writeAnd({ configure: 'x' }), 'there is no meson.build in it'],
  ])('refuses %s', async (_, make, message) => {
    const path = make();
    const resolve = open(path).then((tree) => tree.resolve('HEAD', 'HEAD'));
    await expect(resolve).rejects.toThrow(message);
    await expect(resolve).rejects.toBeInstanceOf(TreeFailure);
  });

  it('refuses a commit that the tree does not have', async () => {
    commitFiles(user, SMALL_SOURCE);
    const missing = (await open()).resolve('--output=x', 'the patch');
    await expect(missing).rejects.toThrow('the patch: ');
    expect(existsSync(join(user, 'x'))).toBe(false);
  });
});

function commitAnd(files: Readonly<Record<string, string>>): string {
  commitFiles(user, files);
  return user;
}

function writeAnd(files: Readonly<Record<string, string>>): string {
  writeFiles(user, files);
  return user;
}

describe('SourceCopy', () => {
  it('writes nothing to the tree of the user, and runs none of its hooks and filters', async () => {
    commitFiles(user, { ...SMALL_SOURCE, '.gitattributes': '* filter=bad\n' });
    git(user, 'config', 'filter.bad.smudge', `touch ${join(folder, 'ran')}`);
    writeFileSync(join(user, '.git/hooks/post-checkout'), `#!/bin/sh\ntouch ${join(folder, 'ran')}\n`, {
      mode: 0o755,
    });
    const before = everything(user);
    await copy.apply(readSeries(lineChange(3, 'new')), await checkout());
    expect(everything(user)).toBe(before);
    expect(existsSync(join(folder, 'ran'))).toBe(false);
    expect(text('hw/vfio/pci.c')).toContain('line 2\nnew\nline 4\n');
  });

  it('lays a keymap of its own where the tree has none, and takes the one of the tree', async () => {
    commitFiles(user, SMALL_SOURCE);
    await checkout();
    expect(text('subprojects/keycodemapdb/README')).toContain('stand-in');
    writeFiles(user, { 'subprojects/keycodemapdb/README': 'of the user\n' });
    copy = new SourceCopy(join(folder, 'copy2'));
    await checkout();
    expect(text('subprojects/keycodemapdb/README')).toBe('of the user\n');
  });

  it('goes back to the base: new files are gone, and files that are the same keep their time', async () => {
    commitFiles(user, SMALL_SOURCE);
    const base = await checkout();
    const time = statSync(join(copy.folder, 'VERSION')).mtimeMs;
    await copy.apply(
      readSeries(`${lineChange(3, 'new')}--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+x\n`),
      base,
    );
    expect(text('new.c')).toBe('x\n');
    const devices = 'configs/devices/x86_64-softmmu/barproof.mak';
    writeFiles(copy.folder, { 'build/x.o': 'object', [devices]: 'ours' });
    await checkout();
    expect(existsSync(join(copy.folder, 'new.c'))).toBe(false);
    expect(text('hw/vfio/pci.c')).toBe(SMALL_SOURCE['hw/vfio/pci.c']);
    expect(statSync(join(copy.folder, 'VERSION')).mtimeMs).toBe(time);
    expect([text('build/x.o'), text(devices)]).toEqual(['object', 'ours']);
  });

  it('names the file and the hunk that does not apply, and the base', async () => {
    commitFiles(user, SMALL_SOURCE);
    const base = await checkout();
    const patch = lineChange(3, 'new').replace('-line 3', '-another line');
    const failure = await copy.apply(readSeries(patch), base).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TreeFailure);
    expect((failure as TreeFailure).problems).toEqual([
      {
        path: '',
        message: `the patch does not apply to ${base.title}`,
        details: [
          'hw/vfio/pci.c: the hunk @@ -3 +3 @@ f',
          'name another base by --onto, or send the patch again on a newer commit',
        ],
      },
    ]);
  });

  it('merges a patch whose blobs the tree has', async () => {
    commitFiles(user, SMALL_SOURCE);
    writeFileSync(
      join(user, 'hw/vfio/pci.c'),
      SMALL_SOURCE['hw/vfio/pci.c']!.replace('line 20', 'patched 20'),
    );
    const patch = git(user, 'diff', '-U3');
    git(user, 'checkout', '--quiet', '--force', '.');
    // A neighbouring line has changed since, so that the context does not fit.
    commitFiles(user, { 'hw/vfio/pci.c': SMALL_SOURCE['hw/vfio/pci.c']!.replace('line 17', 'changed 17') });
    await copy.apply(readSeries(`${patch}\n`), await checkout());
    expect(text('hw/vfio/pci.c')).toContain('changed 17\nline 18\nline 19\npatched 20\n');
  });

  it('does not follow a link of the base out of the copy', async () => {
    symlinkSync(folder, join(folder, 'x'));
    commitFiles(user, SMALL_SOURCE);
    symlinkSync('../..', join(user, 'hw/out'));
    git(user, 'add', '--all');
    git(user, 'commit', '--quiet', '--message', 'link');
    const base = await checkout();
    const patch = '--- /dev/null\n+++ b/hw/out/escaped.c\n@@ -0,0 +1 @@\n+x\n';
    await expect(copy.apply(readSeries(patch), base)).rejects.toBeInstanceOf(TreeFailure);
    expect(existsSync(join(folder, 'escaped.c'))).toBe(false);
  });
});
