import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** An import of another file of the project. */
export interface Import {
  /** The importing file and the imported one, relative to the root of the project. */
  readonly file: string;
  readonly target: string;
  /** Whether only types are imported: `import type`, `export type`, `typeof import()`. */
  readonly typeOnly: boolean;
  /** The values that are imported by name; empty for `*`, a side effect, or `import()`. */
  readonly values: readonly string[];
}

/** Every file of TypeScript below `folders`, relative to the root of the project. */
export const sourcesIn = (folders: readonly string[]): readonly string[] =>
  folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    )
    .filter((file) => file.endsWith('.ts'));

/** The imports in a file of the project. */
export const importsOf = (file: string): readonly Import[] =>
  importsIn(file, readFileSync(join(ROOT, file), 'utf8'));

/** The packages that a file of the project imports, by the names of `package.json`: `fast-check`, `node:fs`. */
export const packagesOf = (file: string): readonly string[] =>
  packagesIn(readFileSync(join(ROOT, file), 'utf8'));

/** The calls of `import()` in a file of the project of which only the run tells what they import. */
export const computedImportsOf = (file: string): readonly string[] =>
  computedImportsIn(readFileSync(join(ROOT, file), 'utf8'));

/** `import … from`, `export … from`, and imports for their side effects. */
const STATIC = /^(?:import|export)\s+(?:(type\s)?([^;'"]*?)\bfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /(\btypeof\s+)?\bimport\(\s*'([^']+)'/g;
const COMPUTED = /^(?!\s*(?:\/\/|\/?\*)).*?((?<![#.\w])import\((?!\s*'[^']*'\s*\)).*)$/gm;

const isFile = (specifier: string): boolean => specifier.startsWith('.');

/**
 * The imports of other files in a text. Packages are left out.
 *
 * @param file from which relative paths are resolved.
 */
export function importsIn(file: string, text: string): readonly Import[] {
  const to = (path: string): string => normalize(join(dirname(file), path));
  return specifiersIn(text)
    .filter(({ specifier }) => isFile(specifier))
    .map(({ specifier, typeOnly, values }) => ({ file, target: to(specifier), typeOnly, values }));
}

/** The packages that a text imports, each as often as it does; files inside a package count as the package. */
export const packagesIn = (text: string): readonly string[] =>
  specifiersIn(text)
    .filter(({ specifier }) => !isFile(specifier))
    .map(({ specifier }) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0]);

/** The lines of a text, from `import(` on, that import something other than a string between single quotes. */
export const computedImportsIn = (text: string): readonly string[] =>
  [...text.matchAll(COMPUTED)].map(([, call]) => call!);

/** What a text imports, as the text names it: a package, or a relative path. */
interface Specifier extends Pick<Import, 'typeOnly' | 'values'> {
  readonly specifier: string;
}

function specifiersIn(text: string): readonly Specifier[] {
  const statics = [...text.matchAll(STATIC)].map(([, type, names = '', specifier]) => ({
    specifier: specifier!,
    typeOnly: type !== undefined,
    values: type === undefined ? valuesIn(names) : [],
  }));
  const dynamics = [...text.matchAll(DYNAMIC)].map(([, typeOf, specifier]) => ({
    specifier: specifier!,
    typeOnly: typeOf !== undefined,
    values: [],
  }));
  return [...statics, ...dynamics];
}

/** The names in `{ a, b as c, type D }` that are not marked as types. */
const valuesIn = (names: string): readonly string[] =>
  names
    .replaceAll(/[{}\s]+/g, ' ')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !name.startsWith('type '))
    .map((name) => name.split(' as ')[0]!);

/** Every circle in a graph of files or rooms, each as `a -> b -> a`; empty where there is none. */
export function circlesIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) {
      circles.push([...path.slice(path.indexOf(node)), node].join(' -> '));
      return;
    }
    if (done.has(node)) return;
    for (const target of graph.get(node) ?? []) visit(target, [...path, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return circles;
}
