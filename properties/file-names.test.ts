import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './pages/page.ts';

/** The names in here are made up. */
const NOT_READ = 'properties/file-names.test.ts';

const FILE =
  /(?<![\w./@-])(?:src|properties|generators|regressions|\.ci)\/[\w./+-]*\w\.(?:ts|mjs|c|h|md|json)\b/g;
/** A part of a path that stands for a name of the reader's choice, such as `ID.ts`. */
const PLACEHOLDER = /\b(?:NAME|ID|INVARIANT|CAUSE)\b/;

/** The files of this project that comments name and that do not exist, each with its line. */
function missingIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line, index) => {
    const comment = /^\s*(?:\/\*|\*|\/\/)|\s\/\/\s/.test(line) ? line : '';
    return [...comment.matchAll(FILE)]
      .filter(([path]) => !PLACEHOLDER.test(path) && !existsSync(join(ROOT, path)))
      .map(([path]) => `${index + 1}: ${path}`);
  });
}

it('comments name only files of the project that exist', () => {
  const sources = ['src', 'generators', 'properties', '.ci'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(?:ts|mjs|[ch])$/.test(path))
      .map((path) => `${folder}/${path}`)
      .filter((path) => path !== NOT_READ),
  );
  expect(sources.length).toBeGreaterThan(500);
  const missing = sources.flatMap((path) =>
    missingIn(readFileSync(join(ROOT, path), 'utf8')).map((place) => `${path}:${place}`),
  );
  expect(missing).toEqual([]);
});

it('a file that is gone is found in a comment, and not in code', () => {
  const text =
    "/** See src/attic/dust.ts and src/README.md. */\nopen('src/attic/dust.ts'); // src/attic/old.c\n";
  expect(missingIn(text)).toEqual(['1: src/attic/dust.ts', '2: src/attic/dust.ts', '2: src/attic/old.c']);
  expect(missingIn("open('src/attic/dust.ts');\n// vmm/src/vfio.rs, regressions/bugs/ID.ts\n")).toEqual([]);
});
