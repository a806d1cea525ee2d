import { programName, type Architecture } from '../../src/qemu/process/architecture.ts';
import type { Question } from './answers.ts';
import type { MachineVerdict, SpaceVerdict } from './compare-machine.ts';
import type { MachineRefusal } from './machine-dump.ts';

/** The results for the machine types of one QEMU program. */
export interface ConformanceRun {
  readonly architecture: Architecture;
  /** The version of QEMU. */
  readonly version: string;
  readonly machines: readonly MachineResult[];
}

/** The comparisons of a machine type by the texts with and without lines for disabled regions, or why they failed. */
export type MachineResult =
  MachineRefusal | { readonly all: MachineVerdict; readonly enabled: MachineVerdict };

/** How many address spaces need which answers. */
export interface Tally {
  readonly spaces: number;
  readonly ranges: number;
  /** Identical by the text alone. */
  readonly text: number;
  /** Identical by the text and the I/O regions that terminate. */
  readonly terminates: number;
  /** Identical by these and the order of siblings with the same priority. */
  readonly order: number;
  /** Not identical by any answers. */
  readonly differ: number;
}

/** Counts address spaces by the answers that they need. */
export function tally(spaces: readonly SpaceVerdict[]): Tally {
  const needing = (matches: (needed: readonly Question[]) => boolean): number =>
    spaces.filter(({ needed }) => needed !== undefined && matches(needed)).length;
  return {
    spaces: spaces.length,
    ranges: spaces.reduce((sum, { ranges }) => sum + ranges, 0),
    text: needing((needed) => needed.length === 0),
    terminates: needing((needed) => needed.length === 1 && needed[0] === 'terminates'),
    order: needing((needed) => needed.includes('sibling-order')),
    differ: spaces.filter(({ needed }) => needed === undefined).length,
  };
}

/** The address spaces of all runs, compared by the text with lines for disabled regions (`all`) or without (`enabled`). */
export const spacesOf = (runs: readonly ConformanceRun[], text: 'all' | 'enabled' = 'all'): SpaceVerdict[] =>
  runs.flatMap(({ machines }) =>
    machines.flatMap((result) => ('refused' in result ? [] : result[text].spaces)),
  );

const HEADINGS = [
  'Machine type',
  'Address spaces',
  'Flat ranges',
  'Text alone',
  'and I/O or container',
  'and sibling order',
  'Different',
] as const;

const cellsOf = ({ spaces, ranges, text, terminates, order, differ }: Tally): string[] =>
  [spaces, ranges, text, terminates, order, differ].map(String);

/** The row of one machine type, which is the same in each run of the same QEMU. */
export const rowOf = (result: MachineResult): readonly string[] =>
  'refused' in result
    ? [result.machine, '–', '–', '–', '–', '–', '–']
    : [result.all.machine, ...cellsOf(tally(result.all.spaces))];

/** The page RESULTS.md: how far the memory core agrees with QEMU. */
export function resultsPage(runs: readonly ConformanceRun[]): string {
  const all = tally(spacesOf(runs));
  const enabled = tally(spacesOf(runs, 'enabled'));
  const made = runs.flatMap(({ machines }) => machines.filter((result) => !('refused' in result)));
  const printed = made.filter(
    (result) => !('refused' in result) && result.all.printsTheSame && result.enabled.printsTheSame,
  ).length;
  const answers = (question: Question): number =>
    made.reduce((sum, result) => sum + ('refused' in result ? 0 : result.all.answers[question]), 0);
  const perHundred = ((100 * (all.text + all.terminates)) / all.spaces).toFixed(1);
  return `${[
    '# How far the memory core agrees with QEMU',
    '',
    `Each machine type of QEMU ${[...new Set(runs.map(({ version }) => version))].join(', ')} that starts on this host ran without a guest. barproof rebuilt the region trees of \`info mtree -o -D\`, rendered them by \`src/memory\`, and compared each address space with \`info mtree -f -o\`: the root, and the addresses, priorities, types, names, offsets and owners of all ranges.`,
    '',
    `Of ${all.spaces} address spaces (${all.ranges} flat ranges) of ${made.length} machine types`,
    '',
    `- **${all.text}** are identical by the text alone;`,
    `- **${all.terminates}** are identical given which I/O regions are containers: the text prints \`i/o\` for both, but a container leaves the gaps between its subregions unassigned (${answers('terminates')} regions). With these, ${perHundred} % are identical;`,
    `- **${all.order}** are identical given also the order of overlapping siblings with the same priority: the text is sorted by address, but the sibling added last is on top (${answers('sibling-order')} pairs);`,
    `- **${all.differ}** are different.`,
    '',
    'Each answer holds for the whole machine, and concerns only a question that the text leaves open. An address space counts as identical only if all of its ranges are. The tests falsify single ranges of the flat views, and no answers explain these.',
    '',
    `\`info mtree -o\` has no lines for disabled regions, so addresses must tell which lines lie below these. By that text, ${enabled.text} are identical by the text alone, ${enabled.terminates} with I/O or container, ${enabled.order} with the sibling order; ${enabled.differ} are different.`,
    '',
    `\`src/memory\` prints the rebuilt trees as QEMU's text, byte for byte but for the owners, for ${printed} of ${made.length} machine types, with and without \`-D\`.`,
    '',
    'Made by `BARPROOF_ALL_MACHINES=1 BARPROOF_WRITE_RESULTS=1 npx vitest run properties/memory-core-conformance.test.ts`; the test compares each run of the same version of QEMU with this page.',
    ...runs.flatMap(sectionOf),
  ].join('\n')}\n`;
}

/** The heading of a run on the page. */
export const titleOf = ({ architecture, version }: ConformanceRun): string =>
  `${programName(architecture)} ${version}`;

function sectionOf(run: ConformanceRun): string[] {
  const { machines } = run;
  const refused = machines.filter((result) => 'refused' in result);
  const total = ['all', ...cellsOf(tally(spacesOf([run])))];
  return [
    '',
    `## ${titleOf(run)}`,
    '',
    ...table([HEADINGS, ...machines.map(rowOf), total]),
    ...(refused.length === 0 ? [] : ['', 'Not made:', '']),
    ...refused.map(({ machine, refused: why }) => `- ${machine}: ${why}`),
  ];
}

/** A table in prettier's layout: the first column is left-aligned, numbers are right-aligned. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(rows[0]!), line(rule), ...rows.slice(1).map(line)];
}
