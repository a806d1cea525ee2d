import { fingerprintText } from '../../src/invariants/index.ts';
import type { KnownBug } from './bugs.ts';
import { median, type BugResult, type LeftOut } from './results.ts';

/** The page about known bugs, made of the patches and the stored measurements. */
export function readmeOf(
  bugs: readonly KnownBug[],
  results: readonly BugResult[],
  leftOut: readonly LeftOut[],
): string {
  const found = results.filter(({ found: times }) => times > 0).length;
  const medians = results.flatMap(({ cases }) => median(cases) ?? []).toSorted((a, b) => a - b);
  const [{ most } = { most: 0 }] = results;
  const [{ flagged } = { flagged: { cases: 0 } }] = results;
  return `# Known bugs

Real bugs of virtual machine monitors, which patches put back. \`ID.ts\` is the patch; \`ID.json\` is the configuration
of the bug's report, which triggers the bug. The table says after how many cases a search finds each bug. The search
knows neither patch nor configuration. It runs the cases of \`barproof check\` with all invariants, for ${seedsOf(results)}
and at most ${most} cases each. A case finds the bug if it breaks an invariant for a new cause: one for which the revision
without the bug breaks that invariant in none of the cases so far, and in no stored finding.

The search finds ${found} of ${results.length} bugs; half of them within ${median(medians) ?? 0} cases (median of the medians).
"Smallest case" is the size of the first seed's finding after shrinking: devices, their BARs, operations.
"It breaks" names the invariants that ${flagged.cases} cases break with the bug and not without it. The names behind the
first are consequences of the bug. A memslot too many also shows the MSI-X table; a device that is mapped over RAM makes
RAM unreachable; a VMM that dies breaks \`no-abort\`. No search finds an invariant broken that the patch does not name.

| bug | what it is | source | base | found by | found | median cases | most | smallest case | it breaks |
|---|---|---|---|---|---:|---:|---:|---|---|
${bugs.map((bug) => row(bug, results)).join('\n')}

## Remarks

${bugs.flatMap(({ id, remark }) => (remark === undefined ? [] : `- **${id}**: ${remark}`)).join('\n')}

## Left out

These bugs have no patch. "Reach" is their mark in the list of known bugs, from which the ids come: \`direct\` if the model
can show the bug, \`extension\` if the model needs an extension, \`outside\` if no trace of a run shows the bug.

| bug | what it is | reach | why |
|---|---|---|---|
${leftOut.map(({ id, title, reach, why }) => `| ${id} | ${title} | ${reach} | ${why} |`).join('\n')}
`;
}

/** For how many seeds bugs were measured: `20 seeds (5 for 33 of the bugs)`. */
function seedsOf(results: readonly BugResult[]): string {
  const bugs = new Map<number, number>();
  for (const { seeds } of results) bugs.set(seeds, (bugs.get(seeds) ?? 0) + 1);
  const [[usual] = [0], ...others] = [...bugs].toSorted(([, a], [, b]) => b - a);
  const rest = others.map(([seeds, times]) => `${seeds} for ${times} of the bugs`).join(', ');
  return `${usual} seeds${rest === '' ? '' : ` (${rest})`}`;
}

function row({ id, title, source, base }: KnownBug, results: readonly BugResult[]): string {
  const result = results.find((candidate) => candidate.id === id);
  if (result === undefined) return `| ${id} | ${title} | ${source} | ${base.id} | | | | | | |`;
  const { found, seeds, cases, fingerprint, shrunk, flagged } = result;
  const invariants = new Set<string>(flagged.fingerprints.map(({ invariant }) => invariant));
  const first = fingerprint?.invariant ?? '';
  const others = [...invariants].filter((name) => name !== first).toSorted();
  const size = `${shrunk.devices} / ${shrunk.bars} / ${shrunk.operations}`;
  const cells = [
    id,
    title,
    source,
    `\`${base.id}\``,
    `\`${fingerprint === undefined ? '' : fingerprintText(fingerprint)}\``,
    `${found}/${seeds}`,
    median(cases) ?? '',
    cases.at(-1) ?? '',
    size,
    [first, ...others].map((name) => `\`${name}\``).join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}
