import { statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { basename, dirname, extname, isAbsolute, resolve } from 'node:path';
import { Script } from 'node:vm';
import type { Transform } from 'sucrase';
import {
  readTextFile,
  InvalidInput,
  parseJson,
  prefixProblems,
  printable,
  whyNoText,
} from '../input/index.ts';
import type { AnyRevision } from '../model/index.ts';
import { BuiltIns } from './built-ins.ts';
import { DeadlinePassed, stopAfterTries } from './stop-after.ts';
import { whatWasThrown } from './guard.ts';
import { isPatch, type Patch } from './patch.ts';

/** What a patch file may import by name: the running `barproof` and its parts. */
export type Library = Readonly<Record<string, object>>;

/** A patch, and the files that it was read from. */
export interface LoadedPatch {
  readonly patch: Patch;
  /** What the file exports as `before`: a patch that is put on the base first, on both sides. */
  readonly before?: Patch | undefined;
  /** Paths of the patch file, first, and of the local files that it imports. */
  readonly files: readonly string[];
}

/** The revision that a patch is put on: the release with what the file exports as `before`, if it does. */
export const baseOfPatch = <R extends AnyRevision>({ before }: Pick<LoadedPatch, 'before'>, release: R): R =>
  before?.applyTo(release) ?? release;

/** The time in which a file must be loaded. */
const SECONDS_TO_LOAD = 10;
const TYPESCRIPT = ['.ts', '.mts', '.cts'];
const JAVASCRIPT = ['.js', '.mjs', '.cjs'];
const ENDINGS = ['', ...TYPESCRIPT, ...JAVASCRIPT, '.json'];

/**
 * Loads a patch file in TypeScript or JavaScript from any folder. Types are stripped while loading, and
 * `import 'barproof'` gives `library`, so that nothing has to be built or installed beside the file.
 *
 * @param file its path, absolute or relative to the current folder.
 * @param seconds that loading may take; 10 when left out. A file that got little of the CPU is tried again.
 * @returns its default export, and the files that were read.
 * @throws InvalidInput when the file cannot be read, is not a valid program, throws, does not finish in time, replaces
 *   built-ins such as `JSON.stringify`, or exports no patch. The caller adds the name of the file.
 */
export function loadPatch(file: string, library: Library, seconds = SECONDS_TO_LOAD): LoadedPatch {
  const { exported: patch, before, files } = loadProgram(file, library, seconds);
  if (before !== undefined && !isPatch(before))
    throw invalid(
      'exports as `before` what is no patch; expected: export const before = definePatch({ ... })',
    );
  if (isPatch(patch)) return { patch, files, ...(before !== undefined && { before }) };
  throw invalid('exports no patch; expected: export default definePatch({ ... })');
}

/**
 * Loads a program of the user, as `loadPatch` loads a patch.
 *
 * @returns its default export, its export `before`, and the files that were read.
 * @throws InvalidInput as `loadPatch` does.
 */
export function loadProgram(
  file: string,
  library: Library,
  seconds = SECONDS_TO_LOAD,
): { readonly exported: unknown; readonly before: unknown; readonly files: readonly string[] } {
  let loader = new Loader(library);
  const load = (): unknown => {
    // A try that was stopped may have left a module half loaded.
    loader = new Loader(library);
    return loader.load(resolve(file));
  };
  const builtIns = new BuiltIns();
  const { loaded, exported, error } = outcomeOf(() => stopAfterTries(load, seconds));
  // They are put back first: by them the error is told.
  const replaced = builtIns.restore();
  if (replaced !== undefined) throw invalid(replacesBuiltIn(replaced));
  if (!loaded) {
    if (error instanceof InvalidInput) throw error;
    if (error instanceof DeadlinePassed) throw invalid(`loading does not finish within ${seconds} s`);
    throw invalid(`throws ${whatWasThrown(error)}${placeIn(error, loader.files)}`);
  }
  return { exported: defaultOf(exported), before: namedOf(exported, 'before'), files: loader.files };
}

interface Outcome {
  readonly loaded: boolean;
  readonly exported?: unknown;
  readonly error?: unknown;
}

function outcomeOf(load: () => unknown): Outcome {
  try {
    return { loaded: true, exported: load() };
  } catch (error) {
    return { loaded: false, error };
  }
}

/** Why a program is not judged that has replaced a built-in. @param name such as `JSON.stringify`. */
export const replacesBuiltIn = (name: string): string =>
  `replaces ${name}, by which barproof itself works; expected a program that leaves the built-ins of JavaScript as they are`;

const invalid = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);

const defaultOf = (exported: unknown): unknown =>
  typeof exported === 'object' && exported !== null && 'default' in exported ? exported.default : exported;

const namedOf = (exported: unknown, name: string): unknown =>
  typeof exported === 'object' && exported !== null
    ? (exported as Readonly<Record<string, unknown>>)[name]
    : undefined;

interface Module {
  exports: unknown;
}

type Body = (exports: unknown, require: (name: string) => unknown, module: Module) => void;

/** Loads the patch file and the local files that it imports, each once. */
class Loader {
  readonly #library: Library;
  readonly #modules = new Map<string, Module>();

  constructor(library: Library) {
    this.#library = library;
  }

  get files(): readonly string[] {
    return [...this.#modules.keys()];
  }

  load(path: string): unknown {
    const loaded = this.#modules.get(path);
    if (loaded !== undefined) return loaded.exports;
    const module: Module = { exports: {} };
    this.#modules.set(path, module);
    const text = readTextFile(path);
    if (extname(path) === '.json') module.exports = prefixProblems(basename(path), () => parseJson(text));
    else compile(text, path)(module.exports, (name) => this.#import(name, path), module);
    return module.exports;
  }

  #import(name: string, from: string): unknown {
    const own = this.#library[name];
    if (own !== undefined) return own;
    if (name.startsWith('.') || isAbsolute(name)) {
      const path = find(resolve(dirname(from), name));
      if (path === undefined) throw new Error(`cannot find ${name} to import`);
      return this.load(path);
    }
    if (isBuiltin(name)) return createRequire(import.meta.url)(name);
    return createRequire(from)(name);
  }
}

/** The file that an import names: `./a`, `./a.js` and `./a.ts` may all name `a.ts`. */
function find(path: string): string | undefined {
  const bare = JAVASCRIPT.includes(extname(path)) ? path.slice(0, -extname(path).length) : undefined;
  const candidates = [
    ...ENDINGS.map((ending) => path + ending),
    ...(bare === undefined ? [] : TYPESCRIPT.map((ending) => bare + ending)),
  ];
  return candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
}

/** Loaded only when a patch file is loaded, so that other commands start faster. */
const compiler = (): typeof import('sucrase') => createRequire(import.meta.url)('sucrase');

/** @throws InvalidInput when the text is not a valid program. */
function compile(text: string, path: string): Body {
  const transforms: Transform[] = TYPESCRIPT.includes(extname(path))
    ? ['typescript', 'imports']
    : ['imports'];
  try {
    const { code } = compiler().transform(text, { transforms, filePath: path, disableESTransforms: true });
    // The wrapper shifts the columns of the first line; only line numbers are reported.
    const script = new Script(`(function (exports, require, module) { ${code}\n})`, { filename: path });
    return script.runInThisContext() as Body;
  } catch (error) {
    const what = whatWasThrown(error).replace(`Error transforming ${path}: `, '');
    throw invalid(
      `is not valid TypeScript or JavaScript: ${whyNoText(text) ?? `${what}${lineOf(error, path)}`}`,
    );
  }
}

/** `, at line 7` from the stack of a V8 syntax error; empty for an error of sucrase, whose message names the line. */
function lineOf(error: unknown, path: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const line = stack.startsWith(`${path}:`) ? /^:(\d+)/.exec(stack.slice(path.length))?.[1] : undefined;
  return line === undefined ? '' : `, at line ${line}`;
}

/**
 * `, at line 7`, or `, at line 7 of helper.ts`: the innermost frame of an error's stack that is in the patch.
 *
 * @param files the files of the patch, the patch file first.
 */
export function placeIn(error: unknown, files: readonly string[]): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const frame of stack.split('\n')) {
    for (const [index, file] of files.entries()) {
      const at = frame.indexOf(`${file}:`);
      const line = at === -1 ? undefined : /^:(\d+)/.exec(frame.slice(at + file.length))?.[1];
      if (line !== undefined) return `, at line ${line}${index === 0 ? '' : ` of ${printable(file)}`}`;
    }
  }
  return '';
}
