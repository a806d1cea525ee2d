import { REAL_DEVICES } from '../../generators/index.ts';
import { STOPS, byStatus, causeText, describeScenario, wrap } from '../../src/report/index.ts';
import { decodeScenario } from '../../src/scenario/index.ts';
import type { CauseStatus, Patch } from '../../src/validate/index.ts';
import { QUESTIONS } from './proposals.ts';
import type { StoredCause, StoredCounterexample, StoredDevice, StoredVerdict } from './stored-verdict.ts';

/** A proposal of the thread with its stored verdict. */
export interface Judged {
  readonly name: string;
  readonly patch: Patch;
  readonly verdict: StoredVerdict;
}

const BREAKING: readonly CauseStatus[] = ['broken', 'swapped', 'worse'];
const MENDING: readonly CauseStatus[] = ['fixed', 'better'];

/** The page about the proposals of the seed thread, made of the stored verdicts. */
export function threadPage(judged: ReadonlyMap<string, Judged>): string {
  const example = judged.get('skip-as-posted')!.verdict;
  const parts = [
    '# The seed thread, settled',
    'In December 2017 A. Kardashevskiy posted a patch that lets QEMU mmap the BAR with the MSI-X table. The reviewers ' +
      'asked what the patch breaks, and the thread made one proposal after the other. Most proposals need a particular ' +
      'card and host to try. Here each proposal is a patch of a few lines, judged on the same generated scenarios.',
    'This page is made of the verdicts stored beside the patches. To compute one of them again:',
    `    npx barproof validate regressions/patches/skip-as-posted.ts --seed ${example.seed} --runs ${example.runs}`,
    'Each proposal is judged against the base that it was made for. Warnings are left out. Numbers of cases are given ' +
      `for the base and the patched side. ${STOPS}`,
    summaryTable(judged),
    ...QUESTIONS.flatMap(({ title, story, patches }) => [
      `## ${title}`,
      story,
      ...patches.flatMap((name) => proposal(judged.get(name)!)),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function summaryTable(judged: ReadonlyMap<string, Judged>): string {
  const rows = [...judged.values()].map(({ name, verdict }) => {
    const mends = invariantsWith(verdict, MENDING);
    const breaks = invariantsWith(verdict, BREAKING);
    return `| [${name}](#${name}) | ${mends || '–'} | ${breaks || '–'} | ${conclusion(verdict)} |`;
  });
  return ['| proposal | mends | breaks | |', '|---|---|---|---|', ...rows].join('\n');
}

/** The invariants with a cause that has one of these statuses. */
const invariantsWith = ({ invariants }: StoredVerdict, statuses: readonly CauseStatus[]): string =>
  invariants
    .filter(
      ({ severity, causes }) =>
        severity === 'error' && causes.some(({ status }) => statuses.includes(status)),
    )
    .map(({ invariant }) => `\`${invariant}\``)
    .join(', ');

function conclusion(verdict: StoredVerdict): string {
  if (verdict.breaks) return 'breaks something';
  return verdict.summary[0]!.startsWith('changes nothing') ? 'changes nothing' : 'breaks nothing';
}

function proposal({ name, patch, verdict }: Judged): string[] {
  const { title = name, source = '' } = patch.definition;
  const heading = [`### ${name}`, `${title}. ([patch](${name}.ts), on ${verdict.base.id}; ${source})`];
  heading.push(`\`\`\`\n${verdict.summary.map((line) => wrap(line, 110, 2).join('\n')).join('\n')}\n\`\`\``);
  if (conclusion(verdict) === 'changes nothing') return heading;
  const errors = verdict.invariants
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ invariant, causes }) =>
      causes.map((cause) => ({ ...cause, name: `${invariant} / ${cause.cause}` })),
    )
    .toSorted(byStatus);
  const list = (label: string, statuses: readonly CauseStatus[]): string[] => {
    const causes = errors.filter(({ status }) => statuses.includes(status));
    return causes.length === 0 ? [] : [`${label}:\n${causes.map(causeLine).join('\n')}`];
  };
  const shown =
    errors.find(({ status }) => BREAKING.includes(status)) ??
    errors.find(({ status }) => MENDING.includes(status));
  return [
    ...heading,
    ...list('Breaks', BREAKING),
    ...list('Mends', MENDING),
    ...list('Uncovers', ['uncovered']),
    ...(shown?.counterexample ? [smallestCase(shown.name, shown.site, shown.counterexample)] : []),
    ...devices(verdict.devices),
  ];
}

/** A cause, and what the patch does to its cases. */
const causeLine = ({ name, cases }: StoredCause & { name: string }): string =>
  `- ${name}: ${causeText(cases)}`;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A case in a block: the violation, the scenario, and the memory map of either side. */
function smallestCase(name: string, site: string, { base, patched, scenario }: StoredCounterexample): string {
  const { message, step } = (patched.violation ?? base.violation)!;
  const side = (name: string, { outcome, error, memoryMap }: StoredCounterexample['base']): string[] => [
    `${name} ${outcome === 'ok' ? 'completes all steps' : `${outcome === 'rejected' ? 'refuses the device' : 'dies'}: ${error}`}`,
    ...memoryMap,
  ];
  const paragraphs = [
    [message],
    describeScenario(decodeScenario(scenario), step),
    side('the base', base),
    side('the patched side', patched),
  ];
  const text = paragraphs.map((lines) => lines.join('\n')).join('\n\n');
  return `The smallest case for ${name} (${site}):\n\n\`\`\`\n${text}\n\`\`\``;
}

const FIGURES = [
  ['directMappedBytes', 'direct-mapped bytes'],
  ['trappedBytes', 'trapped bytes'],
  ['p2pMappedBytes', 'peer-to-peer bytes'],
] as const;

/** A line for each host: how many real devices start or stop starting, and gain or lose which bytes. */
function devices(changed: readonly StoredDevice[]): string[] {
  if (changed.length === 0)
    return ['No real device gains or loses direct-mapped, trapped or peer-to-peer bytes.'];
  const names = new Set(changed.map(({ host }) => host));
  const hosts = [...names].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const lines = hosts.map((host) => {
    const here = changed.filter((cost) => cost.host === host);
    const comparable = here.filter(
      ({ base, patched }) => base['outcome'] === 'ok' && patched['outcome'] === 'ok',
    );
    /** Devices that start on the base as `from` says, and with the patch as `to` says. */
    const starting = (from: boolean, to: boolean): number =>
      here.filter(
        ({ base, patched }) => (base['outcome'] === 'ok') === from && (patched['outcome'] === 'ok') === to,
      ).length;
    const parts = [
      starting(false, true) > 0
        ? `${counted(starting(false, true), 'device')} start only with the patch`
        : '',
      starting(true, false) > 0
        ? `${counted(starting(true, false), 'device')} start only without the patch`
        : '',
      ...FIGURES.flatMap(([figure, name]) => {
        const change = ({ base, patched }: StoredDevice): bigint =>
          BigInt(patched[figure] ?? 0) - BigInt(base[figure] ?? 0);
        const more = comparable.filter((cost) => change(cost) > 0n).length;
        const less = comparable.filter((cost) => change(cost) < 0n).length;
        return [
          more > 0 ? `more ${name} for ${counted(more, 'device')}` : '',
          less > 0 ? `fewer ${name} for ${counted(less, 'device')}` : '',
        ];
      }),
    ].filter((text) => text !== '');
    return parts.length === 0 ? '' : `- ${host}: ${parts.join(', ')}`;
  });
  const changes = lines.filter((line) => line !== '');
  return changes.length === 0 ? [] : [`Of ${REAL_DEVICES.length} real devices:\n${changes.join('\n')}`];
}
