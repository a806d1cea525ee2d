import { InvalidInput, printable } from '../input/index.ts';
import { checkPath } from './changed-path.ts';

/** A stretch of lines that a patch replaces. */
export interface Hunk {
  /** The number of the first line, context included; from 1. */
  readonly start: { readonly before: number; readonly after: number };
  /** How many lines it has, context included. */
  readonly lines: { readonly before: number; readonly after: number };
  /** The line `@@ -1,2 +3,4 @@ function`. */
  readonly heading: string;
}

/** A file that a patch changes. */
export interface ChangedFile {
  /** The path in the tree, after the patch; before it for a file that the patch removes. */
  readonly path: string;
  readonly kind: 'changed' | 'added' | 'removed' | 'renamed';
  readonly hunks: readonly Hunk[];
}

/** A diff that a mail holds. */
export interface Diff {
  readonly files: readonly ChangedFile[];
  /** The lines of the diff, as `git apply` takes them. */
  readonly text: string;
  /** How many folders in front of a path are not of the tree: 1 for `a/` and `b/`. */
  readonly strip: 0 | 1;
  /** Whether every hunk shows lines that stay, as all but `git diff -U0` do. */
  readonly hasContext: boolean;
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;
/** Lines between `diff --git` and the first hunk (git-diff(1), "Generating patch text with -p"). */
const EXTENDED =
  /^(?:(?:old|new|deleted file|new file) mode |(?:dis)?similarity index |(?:rename|copy) (?:from|to) |index )/;
const SYMLINK = '120000';
const SUBMODULE = '160000';

/**
 * Reads the diff that a text holds. Text around it, such as the message of a commit or a signature, is left out.
 *
 * @returns nothing for a text that holds no diff.
 * @throws InvalidInput for a damaged diff, and for what is never applied: binary files, symbolic links, submodules,
 *   and paths that leave the tree.
 */
export function readDiff(text: string): Diff | undefined {
  const reader = new Reader(text.replace(/\n$/, '').split('\n'));
  while (!reader.atEnd) reader.readFile();
  const { files, taken } = reader;
  if (files.length === 0) return undefined;
  const strip = reader.unprefixed ? 0 : 1;
  const stripped = files.map((file) => ({
    ...file,
    path: checkPath(strip === 0 ? file.path : below(file.path)),
  }));
  return { files: stripped, text: `${taken.join('\n')}\n`, strip, hasContext: reader.hasContext };
}

/** The path without its first folder. */
const below = (path: string): string => {
  if (!path.includes('/') || path.startsWith('/'))
    return path.startsWith('/') ? path : refuse(path, 'expected a/ or b/ in front');
  return path.slice(path.indexOf('/') + 1);
};

const refuse = (path: string, message: string): never => {
  throw new InvalidInput([{ path: printable(path), message }]);
};

class Reader {
  readonly files: ChangedFile[] = [];
  readonly taken: string[] = [];
  /** Whether the paths have no folder in front: `git diff --no-prefix`. */
  unprefixed = false;
  hasContext = true;
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  get atEnd(): boolean {
    return this.#at >= this.#lines.length;
  }

  /** Takes the next file of the diff, or passes over a line that is none of the diff. */
  readFile(): void {
    const line = this.#lines[this.#at]!;
    if (line.startsWith('diff --git ')) this.#readGitFile(line);
    else if (line.startsWith('--- ') && this.#lines[this.#at + 1]?.startsWith('+++ ')) this.#readPaths({});
    else this.#at++;
  }

  #take(): string {
    const line = this.#lines[this.#at++]!;
    this.taken.push(line);
    return line;
  }

  #readGitFile(heading: string): void {
    this.#take();
    const marks: Record<string, string> = {};
    while (!this.atEnd && EXTENDED.test(this.#lines[this.#at]!)) {
      const [, name, value] = /^(.*?(?:mode|index|from|to)) (.*)$/.exec(this.#take()) ?? [];
      if (name !== undefined) marks[name] = value!;
    }
    for (const name of ['rename from', 'copy from']) if (marks[name] !== undefined) checkPath(marks[name]);
    const next = this.#lines[this.#at] ?? '';
    const named = marks['rename to'] ?? marks['copy to'];
    // Both names are the same where the file is not renamed.
    const path =
      named === undefined ? (/^diff --git (?:\S+) (\S+)$/.exec(heading)?.[1] ?? heading) : `b/${named}`;
    if (/^(?:GIT binary patch|Binary files )/.test(next))
      refuse(path, 'a binary file is changed; text alone is applied');
    // Where the mode stays, the line `index` alone has it.
    const modes = Object.entries(marks).flatMap(([name, value]) =>
      name === 'index' ? value.split(' ').slice(1) : name.endsWith('mode') ? [value] : [],
    );
    if (modes.includes(SYMLINK)) refuse(path, 'a symbolic link is changed; regular files alone are changed');
    if (modes.includes(SUBMODULE)) refuse(path, 'a submodule is changed; regular files alone are changed');
    if (next.startsWith('--- ')) this.#readPaths(marks);
    else this.files.push({ path, kind: kindOf(marks, false, false), hunks: [] });
  }

  #readPaths(marks: Readonly<Record<string, string>>): void {
    const before = pathOf(this.#take());
    const after = pathOf(this.#take());
    const path = after ?? before ?? refuse('', 'a diff from /dev/null to /dev/null changes no file');
    if (before !== undefined && after !== undefined && before === after) this.unprefixed = true;
    const hunks: Hunk[] = [];
    while (!this.atEnd && HUNK.test(this.#lines[this.#at]!)) hunks.push(this.#readHunk(path));
    if (hunks.length === 0) refuse(path, 'the diff names the file and changes no line of it');
    // Both paths count: a renamed file leaves its old place.
    if (before !== undefined) checkPath(before.replace(/^[^/]+\//, ''));
    this.files.push({ path, kind: kindOf(marks, before === undefined, after === undefined), hunks });
  }

  #readHunk(path: string): Hunk {
    const heading = this.#take();
    const [, start, count = '1', startAfter, countAfter = '1'] = HUNK.exec(heading)!;
    const lines = { before: Number(count), after: Number(countAfter) };
    let { before, after } = lines;
    let context = 0;
    while (before > 0 || after > 0) {
      if (this.atEnd) refuse(path, `the diff ends inside of the hunk "${heading}"`);
      const line = this.#take();
      const kind = line[0] ?? ' ';
      if (kind === ' ') context++;
      if (kind === ' ' || kind === '-') before--;
      if (kind === ' ' || kind === '+') after--;
      if (!' +-\\'.includes(kind) || before < 0 || after < 0) {
        refuse(
          path,
          `the hunk "${heading}" is damaged at the line "${line.slice(0, 60)}": has a mail program wrapped its lines?`,
        );
      }
    }
    // A new file and a removed one have no lines that stay.
    if (context === 0 && Number(start) > 0 && Number(startAfter) > 0) this.hasContext = false;
    // "\ No newline at end of file"
    if (this.#lines[this.#at]?.startsWith('\\')) this.#take();
    return { start: { before: Number(start), after: Number(startAfter) }, lines, heading };
  }
}

/** The path of a line `--- a/hw/vfio/pci.c`; nothing for /dev/null. A tab ends the path and begins a date. */
function pathOf(line: string): string | undefined {
  const path = line.slice('--- '.length).split('\t')[0]!;
  return path === '/dev/null' ? undefined : path;
}

function kindOf(
  marks: Readonly<Record<string, string>>,
  fromNothing: boolean,
  toNothing: boolean,
): ChangedFile['kind'] {
  if (fromNothing || 'new file mode' in marks) return 'added';
  if (toNothing || 'deleted file mode' in marks) return 'removed';
  return 'rename to' in marks ? 'renamed' : 'changed';
}
