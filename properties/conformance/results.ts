import { programName, type Architecture } from '../../src/qemu/process/architecture.ts';
import type { Question } from './answers.ts';
import type { MachineVerdict, SpaceVerdict } from './compare-machine.ts';
import type { MachineRefusal } from './machine-dump.ts';

/** What came of every machine type of one QEMU program. */
export interface ConformanceRun {
  readonly architecture: Architecture;
  /** Of QEMU. */
  readonly version: string;
  readonly machines: readonly MachineResult[];
}

/** A machine type compared from the text with lines for disabled regions and from that without; or refused. */
export type MachineResult =
  MachineRefusal | { readonly all: MachineVerdict; readonly enabled: MachineVerdict };

/** How many address spaces compare in which way. */
export interface Tally {
  readonly spaces: number;
  readonly ranges: number;
  /** Identical from the text alone. */
  readonly text: number;
  /** Identical once it is known which I/O regions terminate. */
  readonly terminates: number;
  /** Identical once it is known, too, which of two siblings of equal priority is on top. */
  readonly order: number;
  /** Not identical whatever is assumed of what the text leaves open. */
  readonly differ: number;
}

/** Adds up the verdicts on address spaces. */
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

/** All address spaces of a run, from the text with disabled regions. */
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

/** The row of one machine type: the same in every run of the same QEMU. */
export const rowOf = (result: MachineResult): readonly string[] =>
  'refused' in result
    ? [result.machine, '–', '–', '–', '–', '–', '–']
    : [result.all.machine, ...cellsOf(tally(result.all.spaces))];

/** The page that says how far the memory core agrees with QEMU. */
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
    `Every machine type of QEMU ${[...new Set(runs.map(({ version }) => version))].join(', ')} that can be made is started without a guest; the region trees of \`info mtree -o -D\` are rebuilt, rendered by \`src/memory\`, and each address space is compared with \`info mtree -f -o\`: root, addresses, priorities, types, names, offsets and owners of all ranges.`,
    '',
    `Of ${all.spaces} address spaces (${all.ranges} flat ranges) of ${made.length} machine types`,
    '',
    `- **${all.text}** are identical from the text alone;`,
    `- **${all.terminates}** are identical once it is known which I/O regions are containers: the text calls both \`i/o\`, and a container lets through what its subregions leave (${answers('terminates')} regions). With these, ${perHundred} % are identical;`,
    `- **${all.order}** are identical once the order of overlapping siblings of the same priority is known, too: the text is sorted by address, on top is the one added last (${answers('sibling-order')} pairs);`,
    `- **${all.differ}** are different.`,
    '',
    'An answer is one for the whole machine, it can only be one that the text leaves open, and an address space counts only if all of it is then identical; the tests spoil the flat views to see that this explains no error away.',
    '',
    `From \`info mtree -o\`, where disabled regions have no lines and their subregions must be told apart by their addresses: ${enabled.text} from the text alone, ${enabled.terminates} with I/O or container, ${enabled.order} with the sibling order, ${enabled.differ} different.`,
    '',
    `The rebuilt trees, printed by \`src/memory\`, are QEMU's text again, byte for byte but for the owners: ${printed} of ${made.length} machine types, with and without \`-D\`.`,
    '',
    'Made by `BARPROOF_ALL_MACHINES=1 BARPROOF_WRITE_RESULTS=1 npx vitest run properties/memory-core-conformance.test.ts`; the test holds every run of the same version of QEMU to it.',
    ...runs.flatMap(sectionOf),
  ].join('\n')}\n`;
}

/** What a run is called on the page. */
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

/** A table as prettier lays it out: the first column to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(rows[0]!), line(rule), ...rows.slice(1).map(line)];
}
