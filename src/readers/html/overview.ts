import { isFault } from '../finding-text.ts';
import type { ReportSummary, Rule } from '../report-event.ts';
import type { Report } from '../report.ts';
import { xmlText } from '../xml.ts';
import { command, preformatted, section } from './parts.ts';

const VERDICT_WORDS = {
  holds: 'every rule holds',
  counterexample: 'counterexamples found',
  'could-not-run': 'no verdict',
} as const;

/** The verdict in a few words. */
export const verdictWords = ({ verdict, interrupted }: Report): string =>
  `${VERDICT_WORDS[verdict]}${interrupted ? ', interrupted' : ''}`;

/** The first page: the verdict, and what was exercised. */
export function overview(report: Report, begin: Date): string {
  const { verdict, summary, plan, problems, inputs, version } = report;
  const facts: readonly (readonly [string, string])[] = [
    ...(plan === undefined ? [] : [['ran on', plan.target] as const]),
    ...(plan?.seed === undefined ? [] : [['seed', plan.seed] as const]),
    ...(summary === undefined ? [] : [['cases', summary.cases.toLocaleString('en-US')] as const]),
    ['barproof', version],
    ['made', `${begin.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
  ];
  return `<article id="overview" aria-labelledby="overview-title">
<p class="verdict ${verdict}">${xmlText(verdictWords(report))}</p>
<h1 id="overview-title" tabindex="-1">${xmlText(plan?.subject ?? `barproof ${report.command}`)}</h1>
${(summary?.headline ?? []).map((line, index) => `<p class="${index === 0 ? 'lead' : ''}">${xmlText(line)}</p>`).join('\n')}
<dl class="facts">${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${xmlText(value)}</dd></div>`).join('')}</dl>
${section('What went wrong', list(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))))}
${section('Inputs', inputsTable(inputs))}
${section('What was exercised', exercisedTable(report))}
${section('How the cases ended', summary === undefined ? '' : endsTable(summary))}
${section('Known findings', summary === undefined ? '' : knownList(summary))}
${section('Cost', summary?.cost === undefined || summary.cost.length === 0 ? '' : preformatted(summary.cost.join('\n'), 'The cost of the patch'))}
${section('Repeat the run', plan === undefined ? '' : command(plan.again))}
</article>`;
}

const list = (lines: readonly string[]): string =>
  lines.length === 0 ? '' : `<ul>${lines.map((line) => `<li>${xmlText(line)}</li>`).join('')}</ul>`;

function inputsTable(inputs: Report['inputs']): string {
  if (inputs.length === 0) return '';
  const rows = inputs.map(
    ({ name, result, text }) =>
      `<tr><td><span class="kind ${result}">${result.replaceAll('-', ' ')}</span></td><th scope="row">${xmlText(name)}</th><td>${xmlText(text)}</td></tr>`,
  );
  return `<table><thead><tr><th scope="col">result</th><th scope="col">input</th><th scope="col">what happened</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** For each rule the share of the cases in which it checked something: a rule that checked nothing says nothing. */
function exercisedTable({ plan, summary, findings }: Report): string {
  if (plan === undefined || summary === undefined || Object.keys(summary.exercised).length === 0) return '';
  const rows = plan.rules.map((rule) => {
    const times = summary.exercised[rule.id] ?? 0;
    const share = summary.cases === 0 ? 0 : Math.min(1, times / summary.cases);
    const broken = findings.filter((finding) => finding.rule === rule.id && isFault(finding)).length;
    return `<tr><th scope="row">${xmlText(rule.id)}</th><td>${result(broken, times)}</td><td class="number">${times.toLocaleString('en-US')}</td><td>${bar(share)}</td><td class="clause">${clause(rule)}</td></tr>`;
  });
  return `<table class="exercised"><thead><tr><th scope="col">rule</th><th scope="col">result</th><th scope="col" class="number">cases</th><th scope="col">share of all cases</th><th scope="col">what the rule demands</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function result(broken: number, times: number): string {
  if (broken > 0) return `<span class="kind error">${broken} broken</span>`;
  return times === 0
    ? '<span class="kind idle">not exercised</span>'
    : '<span class="kind holds">holds</span>';
}

const bar = (share: number): string => {
  const percent = share > 0 && share < 0.01 ? '&lt; 1' : String(Math.round(100 * share));
  return `<span class="share"><span class="bar" aria-hidden="true"><i style="width:${Math.max(share > 0 ? 1 : 0, 100 * share).toFixed(1)}%"></i></span> ${percent} %</span>`;
};

const clause = ({ clause: text, site }: Rule): string =>
  `${xmlText(text)}${site === undefined ? '' : ` <small>${xmlText(site)}</small>`}`;

function endsTable({ outcomes, notRun }: ReportSummary): string {
  const rows = [
    ...Object.entries(outcomes),
    ...Object.entries(notRun).map(([reason, times]) => [`not run: ${reason}`, times] as const),
  ];
  if (rows.length === 0) return '';
  const body = rows.map(
    ([name, times]) =>
      `<tr><th scope="row">${xmlText(ENDS[name] ?? name)}</th><td class="number">${times.toLocaleString('en-US')}</td></tr>`,
  );
  return `<table><thead><tr><th scope="col">end</th><th scope="col" class="number">cases</th></tr></thead><tbody>${body.join('')}</tbody></table>`;
}

const ENDS: Readonly<Record<string, string>> = {
  ok: 'the VMM completed every operation',
  rejected: 'the VMM refused a device',
  aborted: 'the VMM died',
};

function knownList({ known }: ReportSummary): string {
  if (known.length === 0) return '';
  const items = known.map(
    ({ rule, cause, cases, explanation }) =>
      `<li><b>${xmlText(rule)}</b> ${xmlText(cause)}, in ${cases} cases${explanation === undefined ? '' : `<br>${xmlText(explanation)}`}</li>`,
  );
  return `<p>These faults are known of this revision and are no counterexamples.</p><ul>${items.join('')}</ul>`;
}
