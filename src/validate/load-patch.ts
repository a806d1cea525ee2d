import { statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, extname, isAbsolute, resolve } from 'node:path';
import { Script } from 'node:vm';
import type { Transform } from 'sucrase';
import { readTextFile, InvalidInput, printable } from '../input/index.ts';
import { DeadlinePassed, stopAfter } from './stop-after.ts';
import { whatWasThrown } from './guard.ts';
import { isPatch, type Patch } from './patch.ts';

/** What a patch file may import by name: `barproof` and its parts, as they run now. */
export type Library = Readonly<Record<string, object>>;

/** A patch, and where it was read. */
export interface LoadedPatch {
  readonly patch: Patch;
  /** The patch file, and behind it what it imports from beside it. */
  readonly files: readonly string[];
}

const SECONDS_TO_LOAD = 10;
const TYPESCRIPT = ['.ts', '.mts', '.cts'];
const JAVASCRIPT = ['.js', '.mjs', '.cjs'];
const ENDINGS = ['', ...TYPESCRIPT, ...JAVASCRIPT, '.json'];

/**
 * Loads a patch file, TypeScript or JavaScript, from wherever it lies. Nothing has to be built or
 * installed beside it: types are stripped on the way, and `import 'barproof'` gives `library`.
 *
 * @param file its path, absolute or from the current folder.
 * @returns its default export, and the files that went into it.
 * @throws InvalidInput when it cannot be read, is no valid program, throws, does not come to an end,
 *   or exports no patch; the caller names the file.
 */
export function loadPatch(file: string, library: Library): LoadedPatch {
  const loader = new Loader(library);
  let exported: unknown;
  try {
    exported = stopAfter(() => loader.load(resolve(file)), SECONDS_TO_LOAD);
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    if (error instanceof DeadlinePassed) throw complaint(`does not come to an end: loading ${error.message}`);
    throw complaint(`throws ${whatWasThrown(error)}${placeIn(error, loader.files)}`);
  }
  const patch = defaultOf(exported);
  if (isPatch(patch)) return { patch, files: loader.files };
  throw complaint('exports no patch; expected: export default definePatch({ ... })');
}

const complaint = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);

const defaultOf = (exported: unknown): unknown =>
  typeof exported === 'object' && exported !== null && 'default' in exported ? exported.default : exported;

interface Module {
  exports: unknown;
}

type Body = (exports: unknown, require: (name: string) => unknown, module: Module) => void;

/** The patch file and what it imports from beside it. */
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
    if (extname(path) === '.json') module.exports = JSON.parse(text);
    else compile(text, path)(module.exports, (name) => this.#import(name, path), module);
    return module.exports;
  }

  #import(name: string, from: string): unknown {
    const own = this.#library[name];
    if (own !== undefined) return own;
    if (name.startsWith('.') || isAbsolute(name)) {
      const path = find(resolve(dirname(from), name));
      if (path === undefined) throw new Error(`there is no ${name} to import`);
      return this.load(path);
    }
    if (isBuiltin(name)) return createRequire(import.meta.url)(name);
    return createRequire(from)(name);
  }
}

/** The file that an import means: TypeScript is imported by its own ending, by that of what it becomes, or by none. */
function find(path: string): string | undefined {
  const bare = JAVASCRIPT.includes(extname(path)) ? path.slice(0, -extname(path).length) : undefined;
  const candidates = [
    ...ENDINGS.map((ending) => path + ending),
    ...(bare === undefined ? [] : TYPESCRIPT.map((ending) => bare + ending)),
  ];
  return candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
}

/** Loaded by who judges a patch; every other command starts sooner without it. */
const compiler = (): typeof import('sucrase') => createRequire(import.meta.url)('sucrase');

/** @throws InvalidInput when the text is no program. */
function compile(text: string, path: string): Body {
  const transforms: Transform[] = TYPESCRIPT.includes(extname(path))
    ? ['typescript', 'imports']
    : ['imports'];
  try {
    const { code } = compiler().transform(text, { transforms, filePath: path, disableESTransforms: true });
    // On the first line too, columns are of no use: the head is not taken off them.
    const script = new Script(`(function (exports, require, module) { ${code}\n})`, { filename: path });
    return script.runInThisContext() as Body;
  } catch (error) {
    const what = whatWasThrown(error).replace(`Error transforming ${path}: `, '');
    throw complaint(`is no valid program: ${what}${lineOf(error, path)}`);
  }
}

/** ` at line 7`, where V8 says so: sucrase keeps lines as they are, and names them itself. */
function lineOf(error: unknown, path: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const line = stack.startsWith(`${path}:`) ? /^:(\d+)/.exec(stack.slice(path.length))?.[1] : undefined;
  return line === undefined ? '' : `, at line ${line}`;
}

/**
 * ` at line 7`, or ` at line 7 of helper.ts`: the innermost line of the patch that an error passed through.
 *
 * @param files the patch file first.
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
