import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../input/index.ts';

/** The folder of the program's parts: modules of Python that import one another, for tools and tests. */
const FOLDER = join(packageFolder(), 'src', 'reproduce', 'program');

/** The parts, each after those that it imports. The first holds the case, the last runs it. */
export const PARTS = [
  'case',
  'config_space',
  'served_device',
  'vfio_user',
  'qemu',
  'machines',
  'machine',
  'finding',
  'reproducer',
] as const;

/** Where the first part has the case. */
const NO_CASE = 'r"""{}"""';

const IMPORT = /^(?:import (\w+)|from (\w+) import (?:\([^)]*\)|[^\n]*))\n/gm;

/**
 * The program in one file, with the case in it. It imports the standard library alone.
 *
 * @param json the case. It may hold any text: in JSON no three quotes follow one another, and every other character
 *   than those of ASCII is escaped.
 */
export function programText(json: string): string {
  const [first, ...others] = PARTS.map(readPart);
  const ascii = json.replaceAll(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  // A replacement text would give `$&` in the case a meaning.
  const [before, after] = first!.split(NO_CASE) as [string, string];
  const imports = others.flatMap((text) => [...text.matchAll(IMPORT)].flatMap(foreignImport));
  const head = before.replace(
    'import json\n',
    `${[...new Set(['import json', ...imports])].toSorted().join('\n')}\n`,
  );
  const bodies = others.map((text) => commented(text.replaceAll(IMPORT, '').trim()));
  return `${head}r"""${ascii}"""${after.trimEnd()}\n\n\n${bodies.join('\n\n\n')}\n`;
}

const readPart = (name: string): string => readFileSync(join(FOLDER, `${name}.py`), 'utf8');

/** An import of the standard library. The parts import one another, and end up in one file. */
function foreignImport([line, whole, from]: RegExpExecArray): readonly string[] {
  const isPart = (PARTS as readonly string[]).includes(whole ?? from!);
  return isPart ? [] : [line.trim()];
}

/** A part with its docstring as a comment. */
const commented = (text: string): string =>
  text.replace(/^"""([^"]*)"""\n+/, (_, words: string) => `# ${words}\n\n`);
