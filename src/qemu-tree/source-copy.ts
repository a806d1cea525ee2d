import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageFolder, printable } from '../input/index.ts';
import { DEVICES_NAME } from './configuration.ts';
import { alternatesOf, Git, lastLines } from './git.ts';
import type { MailedPatch, Series } from './series.ts';
import { TreeFailure } from './tree-error.ts';
import type { Commit, UserTree } from './user-tree.ts';

/**
 * Source that QEMU's git does not hold, and that configure would fetch: the newer places, then those up to QEMU 8.0.
 */
const FETCHED = [
  'subprojects/keycodemapdb',
  'subprojects/dtc',
  'subprojects/berkeley-softfloat-3',
  'subprojects/berkeley-testfloat-3',
  'ui/keycodemapdb',
  'dtc',
  'meson',
  'tests/fp/berkeley-softfloat-3',
  'tests/fp/berkeley-testfloat-3',
];
/** What barproof adds to a copy, as patterns of git. */
const OWN = ['/build/', `/configs/devices/*/${DEVICES_NAME}.mak`];
const KEYMAP = 'subprojects/keycodemapdb';
/** A file that each of them has: the folder of a submodule that was not fetched is there, and empty. */
const SIGNS = ['README', 'README.md', 'Makefile', 'meson.build'];

/** A copy of a source at a commit, with a git of its own that reads the objects of the user's tree. */
export class SourceCopy {
  readonly folder: string;
  readonly #git: Git;

  constructor(folder: string) {
    this.folder = folder;
    this.#git = new Git(folder);
  }

  /** Makes the copy hold a commit. Files that are the same keep their time, so that no object is built again. */
  async checkout(tree: UserTree, { id }: Commit, signal?: AbortSignal): Promise<void> {
    const gitFolder = join(this.folder, '.git');
    if (!existsSync(join(gitFolder, 'HEAD'))) {
      mkdirSync(this.folder, { recursive: true });
      await this.#git.run(['init', '--quiet', '.']);
    }
    // A git that was killed leaves its lock behind; the lock of the build keeps other gits away.
    rmSync(join(gitFolder, 'index.lock'), { force: true });
    mkdirSync(dirname(alternatesOf(gitFolder)), { recursive: true });
    writeFileSync(alternatesOf(gitFolder), `${tree.objects}\n`);
    writeFileSync(join(gitFolder, 'info', 'attributes'), '* -text -filter -ident\n');
    writeFileSync(
      join(gitFolder, 'info', 'exclude'),
      [...OWN, ...FETCHED.map((name) => `/${name}/`), ''].join('\n'),
    );
    await this.#git.run(['checkout', '--quiet', '--force', '--detach', id], { signal });
    // A patch that was applied before may have left new files behind.
    await this.#git.run(['clean', '--quiet', '-d', '--force'], { signal });
    for (const name of FETCHED) {
      const [from, to] = [join(tree.folder, name), join(this.folder, name)];
      if (isThere(from) && !isThere(to)) cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    }
    const keymap = join(this.folder, KEYMAP);
    if (existsSync(dirname(keymap)) && !isThere(keymap)) {
      cpSync(join(packageFolder(), 'src', 'qemu-tree', 'keymap'), keymap, { recursive: true });
      chmodSync(join(keymap, 'tools', 'keymap-gen'), 0o755);
    }
  }

  /** Makes the copy hold another commit of the tree. */
  async moveTo({ id }: Commit, signal?: AbortSignal): Promise<void> {
    await this.#git.run(['checkout', '--quiet', '--force', '--detach', id], { signal });
  }

  /**
   * Applies the patches of a series, one after the other. Nothing of a patch is run.
   *
   * @throws TreeFailure with the file and the hunk that does not apply.
   */
  async apply(series: Series, base: Commit, signal?: AbortSignal): Promise<void> {
    for (const [index, patch] of series.patches.entries()) {
      const number =
        series.patches.length === 1 ? 'the patch' : `patch ${index + 1} of ${series.patches.length}`;
      await this.#applyOne(patch, `${number} does not apply to ${base.title}`, signal);
    }
  }

  async #applyOne({ diff, subject }: MailedPatch, problem: string, signal?: AbortSignal): Promise<void> {
    const words = [
      'apply',
      '--index',
      '--whitespace=nowarn',
      `-p${diff.strip}`,
      ...(diff.hasContext ? [] : ['--unidiff-zero']),
    ];
    const options = { input: diff.text, signal };
    const exact = await this.#git.try([...words, '-'], options);
    if (exact.status === 0) return;
    // Where the file has changed since, the objects that the patch names may tell how to merge.
    const merged = await this.#git.try([...words, '--3way', '-'], options);
    if (merged.status === 0) return;
    const reasons = lastLines(exact.all)
      .filter((line) => line.startsWith('error: '))
      .map((line) => printable(line.slice('error: '.length)));
    const failed = /^patch failed: (.*):(\d+)$/.exec(
      reasons.find((line) => line.startsWith('patch failed')) ?? '',
    );
    const file = diff.files.find(({ path }) => path === failed?.[1]);
    const hunk = file?.hunks.find(({ start, lines }) => {
      const line = Number(failed![2]);
      return line >= start.before && line <= start.before + lines.before;
    });
    throw new TreeFailure('apply', problem, [
      ...(subject === undefined ? [] : [printable(subject)]),
      ...(hunk === undefined ? reasons : [`${printable(file!.path)}: the hunk ${printable(hunk.heading)}`]),
      'name another base by --onto, or send the patch again on a newer commit',
    ]);
  }

  /** The id of the files as they are now: of the tree that git would commit. */
  treeId(): Promise<string> {
    return this.#git.run(['write-tree']);
  }

  /** The lines of each file that are not as in `base`, by their numbers now. */
  async changedLines({ id }: Commit): Promise<string> {
    return this.#git.run(['diff', '--no-ext-diff', '--no-textconv', '--no-renames', '--no-color', id, '--']);
  }
}

const isThere = (folder: string): boolean => SIGNS.some((name) => existsSync(join(folder, name)));
