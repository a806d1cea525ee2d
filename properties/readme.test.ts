import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RegressionStore, decodeRegression, findingOf } from '../src/campaign/index.ts';
import { fingerprint, violationsOf } from '../src/invariants/index.ts';
import { failureBlock } from '../src/report/index.ts';
import { parseJson } from '../src/input/index.ts';
import { ModelTarget, ALL_REVISIONS, type AnyRevision } from '../src/model/index.ts';
import { NEWEST } from '../src/vfio/index.ts';

const ROOT = new URL('../', import.meta.url);
const README = fileURLToPath(new URL('README.md', ROOT));
const stored = new Set(
  new RegressionStore(fileURLToPath(new URL('regressions/revisions', ROOT))).load().map(({ file }) => file),
);

/** The table of revisions, each invariant with the smallest case that breaks it. */
const revisionTable = (): string =>
  ['| revision | what it is | breaks |', '|---|---|---|', ...ALL_REVISIONS.map(row)].join('\n');

function row(revision: AnyRevision): string {
  const { id, title, breaks } = revision;
  const links = breaks.map((invariant) => `[${invariant}](${caseOf(revision, invariant)})`);
  return `| \`${id}\` | ${title.replaceAll('|', String.raw`\|`)} | ${links.join(', ') || 'nothing'} |`;
}

function caseOf({ id }: AnyRevision, invariant: string): string {
  if (id === NEWEST.id) return 'regressions/known';
  const file = `${id}--${invariant}.json`;
  if (!stored.has(file))
    throw new Error(`${id} breaks ${invariant}, but regressions/revisions/${file} is missing`);
  return `regressions/revisions/${file}`;
}

/** What `barproof replay` shows of what a stored case is about. */
function example(file: string): string {
  const regression = decodeRegression(parseJson(readFileSync(new URL(file, ROOT), 'utf8')));
  const { scenario, invariant, cause } = regression;
  const trace = new ModelTarget().run(scenario);
  const violation = violationsOf(trace).find((other) => fingerprint(other) === `${invariant}/${cause}`)!;
  return [
    '```',
    failureBlock(findingOf(trace, violation), { number: 1, replay: `barproof replay ${file}` }).trimEnd(),
    '```',
  ].join('\n');
}

/** Puts what is generated between its marks. */
const fill = (text: string): string =>
  text
    .replace(
      /(<!-- revisions -->\n)[^]*?(<!-- \/revisions -->)/,
      (_, start, end) => `${start}\n${revisionTable()}\n\n${end}`,
    )
    .replace(
      /(<!-- example: (\S+) -->\n)[^]*?(<!-- \/example -->)/g,
      (_, start, file: string, end) => `${start}\n${example(file)}\n\n${end}`,
    );

describe('README.md', () => {
  // `npx vitest run properties/readme.test.ts -u` writes it.
  it('shows the revisions and examples as they are', async () => {
    const text = readFileSync(README, 'utf8');
    expect(text).toContain('<!-- revisions -->');
    expect(text).toContain('<!-- example: ');
    await expect(fill(text)).toMatchFileSnapshot(README);
  });
});
