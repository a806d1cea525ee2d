import { createHash } from 'node:crypto';
import { constants, existsSync, mkdirSync, realpathSync, statSync, writeFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { mayAccess, printable } from '../input/index.ts';
import { Git } from './git.ts';
import { FileLock } from './file-lock.ts';
import { TreeFailure } from './tree-error.ts';

/** A commit of a tree. */
export interface Commit {
  readonly id: string;
  /** As the user knows it: `v10.2.0-1042-g0b91040d23`, or what the file VERSION says of a source without git. */
  readonly title: string;
}

/** A QEMU source of the user. Nothing is written to it. */
export interface UserTree {
  readonly folder: string;
  /** The folder of git objects that holds its commits. */
  readonly objects: string;
  /**
   * The commit that the user names.
   *
   * @param what says in an error where the name comes from.
   * @throws TreeFailure where the tree has no such commit.
   */
  resolve(revision: string, what: string): Promise<Commit>;
  /** The paths of the files that two commits do not have alike. */
  filesBetween(from: Commit, to: Commit): Promise<readonly string[]>;
}

/** What a QEMU source has in every release that barproof can build. */
const OF_QEMU = ['configure', 'meson.build', 'hw/vfio'];

/**
 * Opens a git tree, a bare one included, or an unpacked source.
 *
 * @param folder as the user named it.
 * @param imported a folder for the objects of an unpacked source.
 * @throws TreeFailure where the folder holds no QEMU source.
 */
export async function openUserTree(
  folder: string,
  imported: string,
  signal?: AbortSignal,
): Promise<UserTree> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw noTree(folder, 'there is no such folder');
  if (!mayAccess(folder, constants.R_OK | constants.X_OK))
    throw noTree(folder, 'this user may not read the folder');
  const path = realpathSync(resolve(folder));
  const git = new Git(path);
  const found = await git.try(
    ['rev-parse', '--path-format=absolute', '--git-common-dir', '--is-bare-repository'],
    { signal },
  );
  const [common, isBare] = found.out.trim().split('\n');
  if (found.status === 0 && (isBare === 'true' ? realpathSync(common!) === path : await isTop(git, path))) {
    return gitTree(git, await git.run(['rev-parse', '--path-format=absolute', '--git-path', 'objects']));
  }
  const missing = OF_QEMU.find((name) => !existsSync(join(path, name)));
  if (missing !== undefined) throw noTree(folder, `there is no ${missing} in it, and it is no git tree`);
  return unpackedTree(path, imported, signal);
}

/** Whether the folder is the top of a git tree: an unpacked source may lie in the git tree of another project. */
async function isTop(git: Git, path: string): Promise<boolean> {
  const { status, out } = await git.try(['rev-parse', '--show-toplevel']);
  return status === 0 && realpathSync(out.replace(/\n$/, '')) === path;
}

const noTree = (folder: string, why: string): TreeFailure =>
  new TreeFailure('tree', `${printable(folder)} is no QEMU source: ${why}`);

function gitTree(git: Git, objects: string): UserTree {
  return {
    folder: git.folder,
    objects,
    resolve: async (revision, what) => {
      const { status, out } = await git.try([
        'rev-parse',
        '--verify',
        '--quiet',
        '--end-of-options',
        `${revision}^{commit}`,
      ]);
      if (status !== 0)
        throw new TreeFailure(
          'tree',
          `${what}: ${printable(git.folder)} has no commit "${printable(revision)}"`,
        );
      const id = out.trim();
      const missing = await missingFile(git, id);
      if (missing !== undefined) throw noTree(git.folder, `commit ${id.slice(0, 12)} has no ${missing}`);
      return { id, title: await describe(git, id) };
    },
    filesBetween: async (from, to) => {
      const names = await git.run(['diff', '--name-only', '-z', '--no-renames', from.id, to.id, '--']);
      return names.split('\0').filter((name) => name !== '');
    },
  };
}

async function missingFile(git: Git, id: string): Promise<string | undefined> {
  for (const name of OF_QEMU) {
    if ((await git.try(['cat-file', '-e', `${id}:${name}`])).status !== 0) return name;
  }
  return undefined;
}

/** The version of a commit, by the newest tag before it; by the file VERSION where there is no tag. */
async function describe(git: Git, id: string): Promise<string> {
  const { status, out } = await git.try(['describe', '--tags', '--match', 'v*', '--abbrev=10', id]);
  if (status === 0) return out.trim();
  const version = await git.try(['cat-file', 'blob', `${id}:VERSION`]);
  return `${version.status === 0 ? `${printable(version.out.trim())}-` : ''}g${id.slice(0, 10)}`;
}

/** Puts an unpacked source into a git of its own, as one commit. Where only few files have changed, that is quick. */
async function unpackedTree(folder: string, imported: string, signal?: AbortSignal): Promise<UserTree> {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const store = join(imported, `${name}.git`);
  mkdirSync(store, { recursive: true, mode: 0o700 });
  const lock = await FileLock.take(`${store}.lock`, 'exclusive', { signal });
  try {
    return await importInto(store, folder, signal);
  } finally {
    lock.release();
  }
}

/** @param store the folder of the git, in which no other process works. */
async function importInto(store: string, folder: string, signal?: AbortSignal): Promise<UserTree> {
  const git = new Git(store);
  // A git that was killed leaves its lock behind.
  rmSync(join(store, 'index.lock'), { force: true });
  if (!existsSync(join(store, 'HEAD'))) await git.run(['init', '--quiet', '--bare', '.']);
  writeFileSync(join(store, 'info', 'attributes'), '* -text -filter -ident\n');
  const there = [
    '--git-dir',
    store,
    '--work-tree',
    folder,
    '-c',
    'core.compression=0',
    '-c',
    'core.bare=false',
  ];
  await git.run([...there, 'add', '--all', '--', folder], { signal });
  const tree = await git.run(['write-tree']);
  const id = await git.run(['commit-tree', '-m', 'an unpacked source', tree]);
  await git.run(['update-ref', 'HEAD', id]);
  const version = await git.try(['cat-file', 'blob', `${id}:VERSION`]);
  const title = `${printable(version.out.trim())}, unpacked`;
  return {
    folder,
    objects: join(store, 'objects'),
    resolve: (revision, what) => {
      if (revision === 'HEAD') return Promise.resolve({ id, title });
      const message = `${what}: ${printable(folder)} is an unpacked source without commits; leave --onto out`;
      return Promise.reject(new TreeFailure('tree', message));
    },
    // An unpacked source is one commit.
    filesBetween: () => Promise.resolve([]),
  };
}
