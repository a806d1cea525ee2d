import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPatch } from '../src/validate/index.ts';
import * as library from '../src/index.ts';
import { COMMON_INVARIANTS, INVARIANTS } from '../src/invariants/index.ts';
import { decodeScenario } from '../src/scenario/index.ts';
import { Checkout, NOT_RUN, commandsOf, partsToRun, problemsOf, shortened } from './pages/commands.ts';
import { withGeneratedParts } from './pages/generated.ts';
import { countPlaces, missingNames, missingPaths } from './pages/names.ts';
import {
  FACT_PAGES,
  OTHER_PAGES,
  PAGES,
  ROOT,
  anchorsOf,
  blocksOf,
  headingsOf,
  linksOf,
  readPage,
} from './pages/page.ts';

let checkout: Checkout;
beforeAll(() => {
  checkout = new Checkout();
  for (const page of PAGES) checkout.save(blocksOf(readPage(page)));
}, 120_000);
afterAll(() => checkout.remove());

const allCommands = PAGES.flatMap((page) => commandsOf(readPage(page)));

describe.each(PAGES)('the page %s', (page) => {
  const text = readPage(page);
  const commands = commandsOf(text);

  // `npm run remake:pages` writes the page.
  it('has the tables and the outputs that the code gives today', async () => {
    await expect(withGeneratedParts(page, text, checkout)).toMatchFileSnapshot(join(ROOT, page));
  });

  const runs = commands.flatMap((command) =>
    partsToRun(command).map((part) => [part, command.code] as const),
  );
  it.for(runs)('shows the command %s, which ends with exit code %i', ([part, code]) => {
    const result = checkout.run(shortened(part));
    expect(result.code, result.out + result.err).toBe(code);
  });

  it('names only npm scripts and test files that exist in its commands', () => {
    expect(commands.flatMap(problemsOf)).toEqual([]);
  });

  it.each(blocksOf(text).filter(({ language }) => language === 'json'))(
    'shows scenarios that barproof accepts: $file',
    (block) => {
      const value: unknown = JSON.parse(block.text);
      expect(() => decodeScenario(value)).not.toThrow();
    },
  );

  it.each(blocksOf(text).filter(({ language }) => language === 'ts'))(
    'shows patches that barproof can load: $file',
    ({ file }) => {
      expect(() => loadPatch(join(checkout.folder, file!), { barproof: library })).not.toThrow();
    },
  );
});

describe.each([...PAGES, ...OTHER_PAGES, ...FACT_PAGES])('the files and functions that %s names', (page) => {
  const text = readPage(page);

  it('exist', () => {
    expect(missingPaths(text)).toEqual([]);
  });

  it('are defined in their file', () => {
    expect(missingNames(text)).toEqual([]);
  });
});

describe.each([...PAGES, ...OTHER_PAGES, ...FACT_PAGES])('the links of %s', (page) => {
  const text = readPage(page);

  it('lead to files and folders that exist', () => {
    expect(linksOf(page, text).filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
  });

  it('lead to headings that exist', () => {
    const lost = anchorsOf(page, text).filter(
      (link) => !headingsOf(readPage(link.page)).includes(link.anchor),
    );
    expect(lost).toEqual([]);
  });
});

describe('the pages together', () => {
  it('are all pages of the repository', () => {
    const tracked = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' });
    expect([...PAGES, ...OTHER_PAGES, ...FACT_PAGES].toSorted()).toEqual(
      tracked.trim().split('\n').toSorted(),
    );
  });

  it('leave no command out of the tests that they do not use', () => {
    expect(NOT_RUN.filter((line) => !allCommands.some((command) => command.line === line))).toEqual([]);
  });

  it('leave out of the tests only barproof commands with options that barproof has', () => {
    for (const line of NOT_RUN) {
      const [, name] = /^npx barproof (\S+)/.exec(line) ?? [];
      if (name === undefined) continue;
      const { out } = checkout.run(`npx barproof ${name} --help`);
      for (const option of line.match(/--[\w-]+/g) ?? []) expect(out).toContain(` ${option} `);
    }
  });

  it('leave out of the tests only scripts of .ci that can be executed', () => {
    for (const line of NOT_RUN.filter((one) => one.startsWith('.ci/')))
      expect(statSync(join(ROOT, line)).mode & 0o111, line).not.toBe(0);
  });

  it('are reached from README.md by links', () => {
    const reached = new Set<string>();
    const follow = (page: string): void => {
      if (reached.has(page)) return;
      reached.add(page);
      for (const target of linksOf(page, readPage(page))) if (target.endsWith('.md')) follow(target);
    };
    follow('README.md');
    expect([...PAGES, ...OTHER_PAGES].filter((page) => !reached.has(page))).toEqual([]);
  });
});

describe('README.md', () => {
  const text = readPage('README.md');

  it('has at most 200 lines', () => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(200);
  });

  it('begins with the two commands that install barproof and then search or test', () => {
    expect(
      commandsOf(text)
        .slice(0, 2)
        .map(({ line }) => line),
    ).toEqual(['npm ci && npx barproof check', 'npm ci && npm test']);
  });

  it('gives as many invariants as barproof has', () => {
    const count = COMMON_INVARIANTS.length;
    expect(text).toContain(`checks ${count} invariants`);
  });
});

describe('src/README.md', () => {
  const text = readPage('src/README.md');

  it('names at least 20 functions on the path of a scenario', () => {
    expect(countPlaces(text)).toBeGreaterThanOrEqual(20);
  });
});

describe('properties/CAMPAIGNS.md', () => {
  it('says of each invariant how its finite core is proved, or why it has none', () => {
    const [, proofs = ''] = readPage('properties/CAMPAIGNS.md').split('These have a finite core in it:');
    const [about = ''] = proofs.split('\n## ');
    expect(INVARIANTS.map(({ id }) => id).filter((id) => !about.includes(`\`${id}\``))).toEqual([]);
  });
});

describe('CHANGELOG.md', () => {
  const text = readPage('CHANGELOG.md');
  const releases = [...text.matchAll(/^## \[?([^\]\n ]+)\]?/gm)].map(([, release]) => release);
  const { version, files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly files: readonly string[];
  };

  it('has the unreleased changes on top and the version of package.json below', () => {
    expect(releases.slice(0, 2)).toEqual(['Unreleased', version]);
  });

  it('sorts changes only under the headings of Keep a Changelog', () => {
    const kinds = [...text.matchAll(/^### (.+)$/gm)].map(([, kind]) => kind);
    const known = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
    expect(kinds.filter((kind) => !known.includes(kind!))).toEqual([]);
  });

  it('is in the package that npm publishes, with README.md and LICENSE', () => {
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md']));
  });
});

describe('the tests of the pages', () => {
  it('notice a file, a function and a link that do not exist', () => {
    expect(missingPaths('`src/vfio/trim.ts`, `src/vfio/attic.ts` and `src/vfio/NAME.ts`')).toEqual([
      'src/vfio/attic.ts',
    ]);
    expect(missingNames('`src/vfio/trim.ts: wholeUnits, halfUnits` and `src/attic.ts: dust`')).toEqual([
      'src/vfio/trim.ts does not define halfUnits',
      'src/attic.ts does not exist',
    ]);
    expect(missingNames('`src/vfio/vfio-device.ts: VfioDevice.setBar`')).toEqual([]);
    expect(linksOf('src/README.md', '[a](../README.md) [b](attic.md#dust) [c](https://a.example)')).toEqual([
      'README.md',
      'src/attic.md',
    ]);
  });

  it('notice a script, a test file and a program that do not exist', () => {
    const problems = ['npm run typecheck', 'npm run dust', 'npm test -- src/attic/', 'make dust'].flatMap(
      (line) => problemsOf({ line, code: 0 }),
    );
    expect(problems).toEqual([
      'npm run dust: no script dust',
      'src/attic/ does not exist',
      'make dust: not a command that this test knows',
    ]);
    expect(problemsOf({ line: 'npx vitest run -u properties/pages.test.ts', code: 0 })).toHaveLength(1);
  });

  it('read commands, their exit codes, and blocks inside of lists', () => {
    const page = '1. a\n\n   ```sh\n   npx barproof check    # exit code 1\n   ```\n\n`npm test`\n';
    expect(commandsOf(page)).toEqual([
      { line: 'npx barproof check', code: 1 },
      { line: 'npm test', code: 0 },
    ]);
  });
});
