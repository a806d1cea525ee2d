import {
  BLOCK_CASES,
  discoveryName,
  originOf,
  shardText,
  type CampaignState,
  type CaseNumber,
  type Discovery,
  type Finding,
  type FuzzPlan,
  type FuzzResult,
  type ProofPlan,
  type ProofResult,
  type StoredFinding,
} from '../campaign/index.ts';
import { printable } from '../input/index.ts';
import type { Invariant } from '../invariants/index.ts';
import { count } from './count.ts';
import { failureBlock } from './failure-block.ts';
import { fittedText } from './wrap.ts';

/** These lines, without empty ones, as a text that fits. */
const inLines = (lines: readonly string[]): string => fittedText(lines.filter((line) => line !== ''));

interface FuzzStart {
  readonly version: string;
  /** The folder of the campaign. */
  readonly folder: string;
  /** What the user has to know of the target, one line each. */
  readonly notes: readonly string[];
}

/** The first lines of `barproof fuzz`. */
export const fuzzStart = (
  { revision, target, seed, runs, shard }: FuzzPlan,
  { version, folder, notes }: FuzzStart,
): string => {
  const amount = runs === undefined ? 'no end of cases' : count(runs, 'case');
  return inLines([
    `barproof ${version}: fuzz ${target ?? revision}, ${amount}, seed ${printable(seed)}${partText(shard)}, into ${printable(folder)}`,
    ...notes.map((note) => `note: ${note}`),
  ]);
};

const partText = (shard: FuzzPlan['shard']): string => (shard.of === 1 ? '' : `, part ${shardText(shard)}`);

/** The line about a finding, as soon as it is stored. @param blockCases how many cases a block has. */
export const announcement = (discovery: Discovery, blockCases: number, file: string): string =>
  inLines([
    `found ${discoveryName(discovery)} ${discovery.isNearMiss ? 'while shrinking' : 'in'} case ${caseNumber(discovery, blockCases)}: ${printable(file)}`,
  ]);

/** The number of a case in its campaign, from 1. */
const caseNumber = ({ block, case: number }: CaseNumber, blockCases: number): number =>
  block * blockCases + number + 1;

/** What a campaign has found, and how far it has come. */
export function fuzzSummary(
  { tally, before, isComplete, findings: stored }: FuzzResult,
  {
    repetitions,
    interrupted,
    findings,
    replay,
  }: {
    /** How many runs a finding had to show again; 0 for the one run of the model. */
    readonly repetitions: number;
    /** Whether the user has interrupted the campaign, so that not all findings ran again. */
    readonly interrupted: boolean;
    readonly findings: readonly Finding[];
    readonly replay: (finding: Finding) => string;
  },
): string {
  const blocks = findings.map(
    (finding, index) => `\n${failureBlock(finding, { number: index + 1, replay: replay(finding) })}`,
  );
  const { outcomes, known } = tally.by;
  const ends = [...outcomes].map(([outcome, times]) => `${times} ${outcome}`).join(', ');
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const gone = stored.length - findings.length;
  const larger = stored.filter(({ regression }) => originOf(regression)?.isSmallest === false).length;
  const goneText =
    repetitions === 0
      ? 'no longer shown'
      : interrupted
        ? 'did not show again before the interrupt'
        : `did not show again in ${repetitions} runs: it depends on timing`;
  const lines = [
    `cases: ${tally.cases}${ends === '' ? '' : ` (${ends})`}${before > 0 ? `, ${before} of them by earlier commands` : ''}`,
    known.size > 0 ? `known findings shown: ${known.size}` : '',
    gone > 0 ? `${count(gone, 'stored finding')} ${goneText}` : '',
    larger > 0
      ? `${count(larger, 'stored finding')} not shrunk to the smallest case yet; the same command goes on with it`
      : '',
    isComplete
      ? 'all cases of this part have run'
      : `${interrupted ? 'interrupted: ' : ''}more cases are left; the same command goes on with them`,
    errors + warnings === 0
      ? `no counterexample${repetitions > 0 && gone > 0 ? ' that shows again' : ''}`
      : `found ${count(errors, 'counterexample')}${warnings > 0 ? `, ${count(warnings, 'warning')}` : ''}`,
  ];
  return `${blocks.join('')}\n${inLines(lines)}`;
}

interface ScopeParts {
  readonly size: number;
  readonly layouts: { readonly length: number };
  readonly surroundings: { readonly length: number };
  readonly sequences: { readonly length: number };
}

/** The first lines of `barproof prove`: the scope. */
export const proofStart = ({ revision, shard }: ProofPlan, scope: ScopeParts, version: string): string =>
  inLines([
    `barproof ${version}: prove ${revision}, ${count(scope.size, 'scenario')}${partText(shard)}`,
    `${count(scope.layouts.length, 'layout')} x ${scope.surroundings.length} surroundings x ` +
      `${count(scope.sequences.length, 'sequence')} of operations`,
  ]);

/** What a proof has shown. */
export function proofSummary(
  { tally, size, counterexamples }: ProofResult,
  {
    plan,
    findings,
    invariants,
  }: {
    readonly plan: ProofPlan;
    readonly findings: readonly Finding[];
    readonly invariants: readonly Invariant[];
  },
): string {
  const blocks = findings.map((finding, index) => {
    const previous = findings[index - 1];
    return `\n${failureBlock(finding, { number: index + 1, previous })}`;
  });
  if (findings.length > 0) {
    const first = `scenario ${caseNumber(counterexamples[0]!, BLOCK_CASES)} of the scope is the first that breaks an invariant:`;
    return `\n${inLines([first])}${blocks.join('')}\n${inLines([`found ${count(findings.length, 'counterexample')}`])}`;
  }
  const { exercised, known } = tally.by;
  const idle = invariants.filter(({ id }) => !exercised.has(id)).map(({ id }) => id);
  const shown = invariants.flatMap(({ id }) =>
    exercised.has(id) ? [`  ${id}: ${count(exercised.get(id)!, 'scenario')}`] : [],
  );
  const isAll = tally.cases === size;
  const lines = [
    isAll ? 'checked in these scenarios:' : '',
    ...(isAll ? shown : []),
    idle.length > 0 && isAll ? `not proven, for nothing in the scope exercises it: ${idle.join(', ')}` : '',
    ...[...known].map(([file, times]) => `known: ${file} in ${count(times, 'scenario')}`),
    isAll
      ? `all ${count(size, 'scenario')}${plan.shard.of === 1 ? ' of the scope' : ` of part ${shardText(plan.shard)}`} hold`
      : `interrupted: ${tally.cases} of ${count(size, 'scenario')} were run`,
  ];
  return inLines(lines);
}

/** What a folder of campaigns holds. */
export function mergeText(
  findings: readonly (StoredFinding & { readonly file: string })[],
  states: readonly CampaignState[],
): string {
  const commands = [...new Set(states.map(({ command }) => command))].toSorted();
  const campaigns = commands.flatMap((command) => {
    const own = states.filter((state) => state.command === command);
    const cases = own.reduce((sum, { tally }) => sum + tally.cases, 0);
    const parts = own.map(({ shard }) => shardText(shard)).toSorted();
    return [`${command}: ${count(cases, 'case')}, parts ${parts.join(' ')}`];
  });
  const lines = [
    ...findings.map(({ file }) => printable(file)),
    ...campaigns,
    count(findings.length, 'finding'),
  ];
  return inLines(lines);
}
