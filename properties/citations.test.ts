import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findBareIds, findCitations, readFacts, resolve, type Facts } from './testing/citations.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The citations in here are made up. */
const NOT_READ = 'properties/citations.test.ts';

const files = ['.ci', 'src', 'generators', 'properties']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  )
  .filter((path) => /\.(?:ts|mjs|js|css|c|h|py|md)$/.test(path) && path !== NOT_READ)
  .toSorted();
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const documents = files.filter((path) => /^src\/.*\/FACTS\.md$/.test(path));
const roomOf = (document: string): string => dirname(document).slice('src/'.length);
const facts: Facts = new Map(documents.map((path) => [roomOf(path), readFacts(read(path))]));

const allFacts = [...facts].flatMap(([room, list]) =>
  list.map((fact) => ({ room, fact, name: `${room} ${fact.id}` })),
);

describe('citations of facts', () => {
  const cited = new Set<object>();
  const wrong: string[] = [];
  for (const path of files) {
    for (const citation of findCitations(read(path))) {
      const found = resolve(citation, facts);
      if (typeof found === 'string') wrong.push(`${path}:${citation.line}: "${citation.text}" ${found}`);
      else if (!documents.includes(path)) for (const fact of found) cited.add(fact);
    }
  }

  it('name facts that a FACTS.md has, and the room that has them', () => {
    expect(wrong).toEqual([]);
  });

  it('cover every fact, except those whose heading says why no code cites them', () => {
    const idle = allFacts.filter(({ fact }) => cited.has(fact) === (fact.uncited !== undefined));
    expect(idle.map(({ name }) => name)).toEqual([]);
  });

  it('stand on one line, where a search for them finds them', () => {
    const broken = files.flatMap((path) =>
      [...read(path).matchAll(/\b[a-z-]+(?: facts?)?\n\s*(?:\*|\/\/) *(?:facts? )?(?:[A-Z]*\d[\w.]*)/g)]
        .filter(([text]) => /\bfacts?\b/.test(text))
        .map(([text]) => `${path}: ${text}`),
    );
    expect(broken).toEqual([]);
  });

  it('carry the ids of the kernel that comments of src/host name', () => {
    const bare = files
      .filter((path) => path.startsWith('src/host/') && path.endsWith('.ts'))
      .flatMap((path) => findBareIds(read(path)).map(({ text, line }) => `${path}:${line}: ${text}`));
    expect(bare).toEqual([]);
  });
});

describe('every FACTS.md', () => {
  it('is there: the room of the memory API has one', () => {
    expect(facts.get('memory')?.length).toBeGreaterThan(20);
  });

  it('has each id once', () => {
    const names = allFacts.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('gives the source of each fact and how it is known', () => {
    const unsourced = allFacts.filter(({ fact }) => !fact.sourced);
    expect(unsourced.map(({ name }) => name)).toEqual([]);
  });
});

describe('the reader of citations', () => {
  const ROOMS: Facts = new Map([
    [
      'attic',
      readFacts(
        [
          '### 1.1 A\n',
          '### 1.2 B (uncited: for show)\n\n1. one\n2. two\n',
          '### 1.10 C\n',
          '### K3 D\n',
        ].join(''),
      ),
    ],
    ['barn', readFacts('## 1 Hay\n\n| id | rule |\n|---|---|\n| M6 | F |\n\n### 1.2 G\n\n| M7 | H |\n')],
    ['coal-cellar', readFacts('### 1.1 E\n\nText.\n\nSource: `a.c` f. Known: read 1.0.\n')],
  ]);
  /** The ids that the first citation of a text names, or what is wrong with it. */
  const idsIn = (text: string): readonly string[] | string => {
    const found = resolve(findCitations(text)[0]!, ROOMS);
    return typeof found === 'string' ? found : found.map(({ id }) => id);
  };

  it.each([
    ['(attic fact 1.1)', ['1.1']],
    ['By attic fact 1.10.', ['1.10']],
    ['attic facts 1.1 and 1.10', ['1.1', '1.10']],
    ['attic facts 1.1, 1.2, and K3', ['1.1', '1.2', 'K3']],
    ['attic facts 1.1 to 1.10; K3', ['1.1', '1.2', '1.10']],
    ['attic facts 1.1, 1.2 to K3', ['1.1', '1.2', '1.10', 'K3']],
    ['attic fact 1.2, step 2', ['1.2']],
    ['attic facts 1.2, steps 1 and 2, and K3', ['1.2', 'K3']],
    ['coal-cellar fact 1.1, attic fact 1.2', ['1.1']],
    ['barn facts M6 to M7', ['M6', '1.2', 'M7']],
    ['/**\n   * (some_function, attic\n   * fact 1.2).\n */', ['1.2']],
    ['// attic facts 1.1\n// and 1.2', ['1.1', '1.2']],
  ])('finds what %j names', (text, ids) => {
    expect(idsIn(text)).toEqual(ids);
  });

  it.each([
    ['attic fact 1.3', 'src/attic/FACTS.md has no 1.3; near it: 1.1, 1.2, 1.10'],
    ['attic facts 1.1 to 1.3', 'src/attic/FACTS.md has no 1.3; near it: 1.1, 1.2, 1.10'],
    ['attic fact 7', 'src/attic/FACTS.md has no 7; near it: 1, K3'],
    ['attic facts 1.10 to 1.1', '1.10 comes after 1.1'],
    ['attic fact 1.2, step 3', 'attic fact 1.2 has no step 3'],
    ['(fact 1.1)', 'names no room with a FACTS.md (attic, barn, coal-cellar)'],
    ['the facts 1.1 and 1.2', 'names no room with a FACTS.md (attic, barn, coal-cellar)'],
    ['Facts K3', 'names no room with a FACTS.md (attic, barn, coal-cellar)'],
  ])('refuses %j', (text, problem) => {
    expect(idsIn(text)).toBe(problem);
  });

  it('gives the line of a citation, and ignores facts without a number', () => {
    const found = findCitations('A fact.\nIn fact 2 of them? No: two.\n * attic fact 1.1\n');
    expect(found.map(({ line, room }) => [line, room])).toEqual([
      [2, 'In'],
      [3, 'attic'],
    ]);
    expect(findCitations('In fact, 2 are. The facts of 3.0.')).toEqual([]);
  });

  it('reads headings, steps and sources', () => {
    const [first, second] = ROOMS.get('attic')!;
    expect([first!.uncited, second!.uncited]).toEqual([undefined, 'for show']);
    expect([...second!.steps]).toEqual([1, 2]);
    expect([first!.sourced, ROOMS.get('coal-cellar')![0]!.sourced]).toEqual([false, true]);
  });

  it('finds bare ids in comments only, outside of citations', () => {
    const text = [
      '/** Checked first (K3). */',
      'const M8 = 1;',
      '// attic fact K3, attic facts K3 to K3',
      '// U64K',
    ];
    expect(findBareIds(text.join('\n'))).toEqual([{ text: 'K3', line: 1 }]);
  });
});
