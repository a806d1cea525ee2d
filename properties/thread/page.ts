import { REAL_DEVICES } from '../../generators/index.ts';
import { describeScenario } from '../../src/report/index.ts';
import { decodeScenario } from '../../src/scenario/index.ts';
import type { CauseStatus, Patch } from '../../src/validate/index.ts';
import { QUESTIONS } from './proposals.ts';
import type { StoredCause, StoredCounterexample, StoredDevice, StoredVerdict } from './stored-verdict.ts';

/** A proposal of the thread, and what came of judging it. */
export interface Judged {
  readonly name: string;
  readonly patch: Patch;
  readonly verdict: StoredVerdict;
}

const BREAKING: readonly CauseStatus[] = ['broken', 'swapped', 'worse'];
const MENDING: readonly CauseStatus[] = ['fixed', 'better'];

const WORDS: Readonly<Record<CauseStatus, string>> = {
  broken: 'new',
  swapped: 'new, just where the base gives up',
  worse: 'in more cases than before',
  fixed: 'gone',
  better: 'gone in some cases',
  uncovered: 'seen only behind where the base gives up',
  'still broken': 'as before',
  hidden: 'not reached any more',
};

const STATUSES = Object.keys(WORDS) as readonly CauseStatus[];

/** The page that tells how the thread comes out: everything in it that is a verdict is read from the stored ones. */
export function threadPage(judged: ReadonlyMap<string, Judged>): string {
  const example = judged.get('skip-as-posted')!.verdict;
  const parts = [
    '# The seed thread, settled',
    'In December 2017 a patch was posted that lets QEMU mmap the BAR with the MSI-X table. The thread that followed ' +
      'asked what breaks, and made one proposal after the other; most of them nobody could try without the right ' +
      'card and host. Here each of them is a patch of a few lines, judged on the same generated scenarios.',
    'This page is made from the verdicts stored beside the patches. One of them, again:',
    `    barproof validate regressions/patches/skip-as-posted.ts --seed ${example.seed} --runs ${example.runs}`,
    'How each comes out, against the base that it was made for (warnings left out):',
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

/** The invariants of which some cause has one of these statuses. */
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
  const changed = verdict.invariants.some(({ causes }) =>
    causes.some(({ status }) => status !== 'still broken' && status !== 'hidden'),
  );
  return changed || verdict.devices.length > 0 ? 'breaks nothing' : 'changes nothing';
}

function proposal({ name, patch, verdict }: Judged): string[] {
  const { title = name, source = '' } = patch.definition;
  const heading = [`### ${name}`, `${title}. ([patch](${name}.ts), on ${verdict.base.id}; ${source})`];
  if (conclusion(verdict) === 'changes nothing') {
    return [...heading, `Changes nothing, in none of ${verdict.cases} cases and for no device.`];
  }
  const errors = verdict.invariants
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ invariant, site, causes }) =>
      causes.map((cause) => ({ ...cause, site, name: `${invariant} / ${cause.cause}` })),
    )
    .toSorted((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status));
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

const causeLine = ({ name, status, cases }: StoredCause & { name: string }): string => {
  const { both, fixed, hidden, broken, swapped, uncovered } = cases;
  const [before, after] = [both + fixed + hidden, both + broken + swapped + uncovered];
  return `- ${name}: ${WORDS[status]} (${before} cases, now ${after})`;
};

/** A case in a block: what breaks, the scenario, and the memory map of either side. */
function smallestCase(name: string, site: string, { base, patched, scenario }: StoredCounterexample): string {
  const { message, step } = (patched.violation ?? base.violation)!;
  const side = (name: string, { outcome, error, memoryMap }: StoredCounterexample['base']): string[] => [
    `${name}, ${outcome === 'ok' ? 'to the end' : `${outcome}: ${error}`}`,
    ...memoryMap,
  ];
  const paragraphs = [
    [message],
    describeScenario(decodeScenario(scenario), step),
    side('base', base),
    side('patched', patched),
  ];
  const text = paragraphs.map((lines) => lines.join('\n')).join('\n\n');
  return `The smallest case for ${name} (${site}):\n\n\`\`\`\n${text}\n\`\`\``;
}

const FIGURES = [
  ['directMappedBytes', 'direct-mapped bytes'],
  ['trappedBytes', 'trapped bytes'],
  ['p2pMappedBytes', 'peer-to-peer bytes'],
] as const;

/** In a line for each host, how many real devices gain and lose what. */
function devices(changed: readonly StoredDevice[]): string[] {
  if (changed.length === 0) return ['No real device has more or less of anything.'];
  const names = new Set(changed.map(({ host }) => host));
  const hosts = [...names].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const lines = hosts.map((host) => {
    const here = changed.filter((cost) => cost.host === host);
    const comparable = here.filter(
      ({ base, patched }) => base['outcome'] === 'ok' && patched['outcome'] === 'ok',
    );
    const ended = (from: boolean, to: boolean): number =>
      here.filter(
        ({ base, patched }) => (base['outcome'] === 'ok') === from && (patched['outcome'] === 'ok') === to,
      ).length;
    const parts = [
      ended(false, true) > 0 ? `${ended(false, true)} start that did not` : '',
      ended(true, false) > 0 ? `${ended(true, false)} do not start any more` : '',
      ...FIGURES.map(([figure, name]) => {
        const change = ({ base, patched }: StoredDevice): bigint =>
          BigInt(patched[figure] ?? 0) - BigInt(base[figure] ?? 0);
        const more = comparable.filter((cost) => change(cost) > 0n).length;
        const less = comparable.filter((cost) => change(cost) < 0n).length;
        const counts = [more > 0 ? `more for ${more}` : '', less > 0 ? `less for ${less}` : ''];
        return more + less === 0 ? '' : `${name} ${counts.filter((text) => text !== '').join(' and ')}`;
      }),
    ].filter((text) => text !== '');
    return parts.length === 0 ? '' : `- ${host}: ${parts.join(', ')}`;
  });
  const told = lines.filter((line) => line !== '');
  return told.length === 0 ? [] : [`Of ${REAL_DEVICES.length} real devices:\n${told.join('\n')}`];
}
