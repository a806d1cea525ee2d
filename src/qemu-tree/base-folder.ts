import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { shellQuoted, type Problem } from '../input/index.ts';
import { Build } from './build.ts';
import { buildFailure } from './build-failure.ts';
import { changedCode, type ChangedCode, type ChangedFunction } from './changed-functions.ts';
import type { Architecture } from '../qemu/process/index.ts';
import { compiledFor } from './compiled-for.ts';
import type { Configuration, ConfiguredTarget } from './configuration.ts';
import { firmwareFolders } from './firmware.ts';
import type { FileLock } from './file-lock.ts';
import { compiledOf, isCompiled, type Programs } from './function-coverage.ts';
import { readLineChanges, type LineChanges } from './line-changes.ts';
import type { Series } from './series.ts';
import { SourceCopy } from './source-copy.ts';
import type { Stages } from './stages.ts';
import { ToolSet } from './tool-set.ts';
import type { CacheEntry, TreeCache } from './tree-cache.ts';
import { TreeFailure } from './tree-error.ts';
import type { Commit, UserTree } from './user-tree.ts';

/** What is put on the base: mailed patches, or the commits of a range. */
export type SourceChange = { readonly series: Series } | { readonly commit: Commit };

/** A base to build. */
export interface BaseOrder {
  readonly tree: UserTree;
  readonly base: Commit;
  /** The targets to build; more than one share a build folder. */
  readonly targets: readonly Architecture[];
  readonly cache: TreeCache;
  readonly stages: Stages;
  readonly signal?: AbortSignal | undefined;
}

/** A base to build, and what is put on it. */
export interface BuildOrder extends BaseOrder {
  readonly change: SourceChange;
}

/** What barproof knows of a patched QEMU. */
export interface PatchedBuild {
  /** How many objects were compiled for the patch. */
  readonly objects: number;
  readonly code: ChangedCode;
  /** The changed functions, and whether the build holds them. */
  readonly functions: readonly (ChangedFunction & { readonly compiled: boolean })[];
  /** The targets that would compile a changed file, for the files that the targets of this build leave out. */
  readonly leftOut: Readonly<Record<string, readonly Architecture[]>>;
}

/** Two QEMUs that were built. */
export interface BuiltSides extends PatchedBuild {
  /** Folders that hold qemu-system-x86_64, or the programs of other targets. */
  readonly base: string;
  readonly patched: string;
  /** The patched QEMUs themselves: what the folder holds are scripts that start them. */
  readonly programs: Programs;
  readonly configuration: string;
  /** Lets the cache remove the QEMUs. */
  release(): void;
}

/** Where the QEMUs are, below the scripts that start them: QEMU prints its own name in front of some messages. */
const BINARIES = 'binary';
const ABOUT = 'patch.json';
/** Files of which a build makes C code, or by which it chooses what to compile. */
const GENERATORS =
  /(?:^|\/)(?:meson\.build|meson_options\.txt|Kconfig[^/]*|trace-events|[^/]*\.(?:json|hx|decode|mak|py|sh))$/;
/** Marks a build that was not ended: an object may be half written. */
const UNFINISHED = 'unfinished';

/** The folder of a base in the cache, with one configuration: builds the base there, and patches on it. */
export class BaseFolder {
  readonly #order: BaseOrder;
  readonly #entry: CacheEntry;
  readonly #configuration: Configuration;
  readonly #tools: ToolSet;
  readonly #source: SourceCopy;
  readonly #build: Build;

  constructor(order: BaseOrder, entry: CacheEntry, configuration: Configuration, tools: ToolSet) {
    this.#order = order;
    this.#entry = entry;
    this.#configuration = configuration;
    this.#tools = tools;
    this.#source = new SourceCopy(join(entry.folder, 'source'));
    this.#build = new Build(this.#source.folder, configuration, tools);
  }

  /** Builds the base alone. */
  async buildBase(): Promise<void> {
    const { stages } = this.#order;
    if (existsSync(this.#entry.base)) return stages.note('base cached');
    await this.#alone((lock) => this.#takeBase(lock));
  }

  /** Builds the base, and a change on it. */
  async build(change: SourceChange): Promise<Omit<BuiltSides, 'release'>> {
    const { stages } = this.#order;
    const digest = 'series' in change ? change.series.digest : change.commit.id.slice(0, 16);
    const [base, patched] = [this.#entry.base, this.#entry.patch(digest)];
    if (!existsSync(base) || !existsSync(patched)) {
      await this.#alone(async (lock) => {
        await this.#takeBase(lock);
        if (existsSync(patched)) return;
        await this.#buildPatched(patched, change, lock);
        this.#entry.removeOldPatches();
      });
    } else stages.note('base cached · patch cached');
    const about = JSON.parse(readFileSync(join(patched, ABOUT), 'utf8')) as PatchedBuild;
    return {
      ...about,
      base,
      patched,
      programs: this.#programs(({ program }) => join(patched, BINARIES, program)),
      configuration: this.#configuration.name,
    };
  }

  /** Works in the entry while no other process does. */
  async #alone(work: (lock: FileLock) => Promise<void>): Promise<void> {
    const { stages, signal } = this.#order;
    const onWait = (): void => stages.note('another barproof builds on this base');
    const lock = await this.#entry.build({ signal, onWait });
    try {
      await work(lock);
      this.#entry.measure();
    } finally {
      lock.release();
    }
  }

  async #takeBase(lock: FileLock): Promise<void> {
    if (existsSync(this.#entry.base)) this.#order.stages.note('base cached');
    else await this.#buildBase(this.#entry.base, lock);
  }

  async #buildBase(folder: string, lock: FileLock): Promise<void> {
    const { tree, base, stages, signal } = this.#order;
    const { linkFailureFile } = this.#entry;
    if (existsSync(linkFailureFile)) {
      const [problem] = JSON.parse(readFileSync(linkFailureFile, 'utf8')) as [Problem];
      throw new TreeFailure('link', problem.message, problem.details);
    }
    this.#entry.describe(base.title, this.#configuration.name);
    await this.#source.checkout(tree, base, signal);
    firmwareFolders(this.#source.folder, this.#configuration.targets);
    await this.#configure(lock);
    const { failed, output } = await this.#compile([], 'build', lock);
    if (failed) {
      const failure = buildFailure(`the base ${base.title}`, output, new Map(), this.#build.log);
      if (failure.kind === 'link') writeFileSync(linkFailureFile, JSON.stringify(failure.problems));
      throw failure;
    }
    this.#keep(folder, {});
    stages.end();
  }

  async #buildPatched(folder: string, change: SourceChange, lock: FileLock): Promise<void> {
    const { tree, base, stages, signal } = this.#order;
    stages.begin('apply');
    await this.#source.checkout(tree, base, signal);
    if ('series' in change) await this.#source.apply(change.series, base, signal);
    else await this.#source.moveTo(change.commit, signal);
    stages.end();
    const changes = readLineChanges(await this.#source.changedLines(base));
    const code = changedCode(changes, (path) => readFileSync(join(this.#source.folder, path), 'utf8'));
    if (existsSync(join(this.#entry.folder, UNFINISHED))) await this.#configure(lock);
    const inHeaders = code.functions.some(({ file }) => !file.endsWith('.c'));
    const probed = inHeaders ? '*' : [...changes.keys()].filter((path) => path.endsWith('.c'));
    const { objects: compiled, failed, output } = await this.#compile(probed, 'patch', lock);
    if (failed) throw buildFailure('the patch', output, changes, this.#build.log);
    const objects = await this.#objectsOf(compiled, changes, lock);
    const programs = this.#programs((target) => this.#build.program(target));
    const functions = await compiledOf(code.functions, this.#build.folder, Object.values(programs));
    const about: PatchedBuild = { objects, code, functions, leftOut: this.#leftOut([...changes.keys()]) };
    this.#keep(folder, { [ABOUT]: JSON.stringify(about) });
    stages.end(`patched ${objects} ${objects === 1 ? 'object' : 'objects'}`);
  }

  /** How many of the objects that were compiled are of the patch: others go back to what they were before another patch. */
  async #objectsOf(compiled: readonly string[], changes: LineChanges, lock: FileLock): Promise<number> {
    const { length } = await this.#build.dependents(compiled, new Set(changes.keys()), lock);
    // The objects of what is generated depend on generated files.
    const generates = [...changes.keys()].some((path) => GENERATORS.test(path));
    return length === 0 && generates ? compiled.length : length;
  }

  #programs(pathOf: (target: ConfiguredTarget) => string): Programs {
    return Object.fromEntries(
      this.#configuration.targets.map((target) => [target.architecture, pathOf(target)]),
    );
  }

  /** The changed files of C of which the build has no object, and the other targets that would compile them. */
  #leftOut(files: readonly string[]): PatchedBuild['leftOut'] {
    const built = this.#configuration.targets.map(({ architecture }) => architecture);
    const others = files
      .filter((file) => file.endsWith('.c') && !isCompiled(this.#build.folder, file))
      .map((file) => {
        const meson = join(this.#source.folder, dirname(file), 'meson.build');
        const text = existsSync(meson) ? readFileSync(meson, 'utf8') : '';
        return [file, compiledFor(file, text).filter((one) => !built.includes(one))] as const;
      });
    return Object.fromEntries(others.filter(([, targets]) => targets.length > 0));
  }

  async #configure(lock: FileLock): Promise<void> {
    const { stages, signal } = this.#order;
    stages.begin('configure');
    const words = await this.#tools.install(join(this.#entry.folder, 'tools'));
    await this.#build.configure(words, { signal, lock });
    stages.end();
  }

  async #compile(probed: readonly string[] | '*', name: string, lock: FileLock) {
    const { stages, signal } = this.#order;
    const mark = join(this.#entry.folder, UNFINISHED);
    writeFileSync(mark, '');
    stages.begin(name);
    const result = await this.#build.compile(probed, {
      signal,
      lock,
      onStep: (done, of) => stages.update(`${name} ${done}/${of}`),
    });
    rmSync(mark);
    return result;
  }

  /** Keeps the QEMU that was built, with a script that starts it with its blobs. The folder appears as a whole. */
  #keep(folder: string, files: Readonly<Record<string, string>>): void {
    const made = `${folder}.made`;
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
    mkdirSync(join(made, BINARIES));
    const { targets } = this.#configuration;
    const firmware = firmwareFolders(this.#source.folder, targets);
    for (const target of targets) {
      copyFileSync(this.#build.program(target), join(made, BINARIES, target.program));
      const script = join(made, target.program);
      writeFileSync(script, startScript(target.program, firmware));
      chmodSync(script, 0o755);
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
    renameSync(made, folder);
  }
}

const startScript = (program: string, firmware: readonly string[]): string =>
  `#!/bin/sh\nexec "\${0%/*}/${BINARIES}/${program}" ${firmware.map((folder) => `-L ${shellQuoted(folder)}`).join(' ')} "$@"\n`;
