import { fileURLToPath } from 'node:url';
import { RegressionStore } from '../../src/campaign/index.ts';
import { brokenBy, type InvariantId } from '../../src/invariants/index.ts';
import { ALL_REVISIONS, findAnyRevision, type AnyRevision } from '../../src/model/index.ts';
import { NEWEST } from '../../src/vfio/index.ts';
import { replaceBlocks } from './page.ts';
import type { Checkout } from './commands.ts';

const stored = new Set(
  new RegressionStore(fileURLToPath(new URL('../../regressions/revisions', import.meta.url)))
    .load()
    .map(({ file }) => file),
);

/**
 * The page with everything that is generated: tables of revisions between `<!-- revisions -->` marks, and the
 * output of commands in `console` blocks.
 */
export const withGeneratedParts = (page: string, text: string, checkout: Checkout): string =>
  replaceBlocks(withRevisionTables(page, text), 'console', (block) =>
    block
      .split('\n')
      .filter((line) => line.startsWith('$ '))
      .map((line) => `${line}\n${checkout.run(line.slice('$ '.length)).out.trimEnd()}\n`)
      .join(''),
  );

/** `<!-- revisions -->` asks for all revisions, `<!-- revisions: A B -->` for two. */
const withRevisionTables = (page: string, text: string): string =>
  text.replace(
    /(<!-- revisions(?:: ([^>]+))? -->\n)[^]*?(<!-- \/revisions -->)/,
    (_, start: string, ids: string | undefined, end: string) => {
      const folder = page.startsWith('regressions/revisions/') ? { own: '', known: '../known' } : FROM_ROOT;
      const revisions = ids?.split(' ').map((id) => findAnyRevision(id)!) ?? ALL_REVISIONS;
      return `${start}\n${revisionTable(revisions, folder)}\n\n${end}`;
    },
  );

/** Where the stored cases lie, as seen from a page. */
interface Folders {
  /** Of regressions/revisions, with the slash behind it. */
  readonly own: string;
  readonly known: string;
}

const FROM_ROOT: Folders = { own: 'regressions/revisions/', known: 'regressions/known' };

/** A row for each revision, each invariant that it breaks with the smallest case that breaks it. */
const revisionTable = (revisions: readonly AnyRevision[], folders: Folders): string =>
  [
    '| revision | what it is | breaks |',
    '|---|---|---|',
    ...revisions.map((revision) => row(revision, folders)),
  ].join('\n');

function row(revision: AnyRevision, folders: Folders): string {
  const { id, title } = revision;
  const links = brokenBy(id).map((invariant) => `[${invariant}](${caseOf(revision, invariant, folders)})`);
  return `| \`${id}\` | ${title.replaceAll('|', String.raw`\|`)} | ${links.join(', ') || 'nothing'} |`;
}

function caseOf({ id }: AnyRevision, invariant: InvariantId, { own, known }: Folders): string {
  if (id === NEWEST.id) return known;
  const file = `${id}--${invariant}.json`;
  if (!stored.has(file))
    throw new Error(
      `${id} breaks ${invariant}, but regressions/revisions/${file} is missing: npm run remake:cases`,
    );
  return `${own}${file}`;
}
