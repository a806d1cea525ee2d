import { fingerprintText } from '../../src/invariants/index.ts';
import type { KnownBug } from './bugs.ts';
import { median, type BugResult, type LeftOut } from './results.ts';

/** The page about known bugs, made of what is stored. */
export function readmeOf(
  bugs: readonly KnownBug[],
  results: readonly BugResult[],
  leftOut: readonly LeftOut[],
): string {
  const found = results.filter(({ found: times }) => times > 0).length;
  const medians = results.flatMap(({ cases }) => median(cases) ?? []).toSorted((a, b) => a - b);
  const [{ seeds, most } = { seeds: 0, most: 0 }] = results;
  const [{ flagged } = { flagged: { cases: 0 } }] = results;
  return `# Known bugs

Real bugs of virtual machine monitors, put back by patches: \`ID.ts\` is the patch, \`ID.json\` the configuration
that triggers the bug by its own report. The table says how long a search takes to meet it that knows of neither:
the cases of \`barproof check\`, all invariants, ${seeds} seeds, at most ${most} cases each. A bug is met by the first case
that breaks an invariant in a way in which the revision without the bug breaks it in none of the cases so far, nor
anywhere that is known of it.

${found} of ${results.length} bugs are found; half of them within ${median(medians) ?? 0} cases (median of the medians).
"Smallest case" is what the first seed's finding shrinks to: devices, their BARs, operations.
"It breaks" is everything that ${flagged.cases} cases show of the bug and not of its base; what is behind the first name
follows from the bug as well: a memslot where there should be none also shows the MSI-X table, a device that is
mapped over RAM makes RAM unreachable, a VMM that dies says so under \`no-abort\` whatever it died of. No search flags
an invariant that the patch does not name as broken.

| bug | what it is | source | base | found by | found | median cases | most | smallest case | it breaks |
|---|---|---|---|---|---:|---:|---:|---|---|
${bugs.map((bug) => row(bug, results)).join('\n')}

## Remarks

${bugs.flatMap(({ id, remark }) => (remark === undefined ? [] : `- **${id}**: ${remark}`)).join('\n')}

## Left out

These have no patch. "Marked" is what the list of known bugs, from which the ids come, has against them.

| bug | what it is | marked | why |
|---|---|---|---|
${leftOut.map(({ id, title, reach, why }) => `| ${id} | ${title} | ${reach} | ${why} |`).join('\n')}
`;
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
