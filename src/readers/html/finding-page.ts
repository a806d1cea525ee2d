import { guestMapSvg } from '../../report/index.ts';
import { toJsonText } from '../../scenario/index.ts';
import type { Picture, ReportedFinding, ReportedStep } from '../report-event.ts';
import { xmlText } from '../xml.ts';
import { command, preformatted, section } from './parts.ts';
import { anchorOf, kindOf } from './sidebar.ts';

/** The page of a finding: what is wrong, the memory map, the steps, and the commands that show it again. */
export function findingPage(finding: ReportedFinding, total: number): string {
  const { number, rule, cause, message, scenario } = finding;
  const anchor = anchorOf(finding);
  return `<article id="${anchor}" aria-labelledby="title-${number}">
<p class="place">Finding ${number} of ${total} <span class="kind ${kindOf(finding)}">${kindOf(finding)}</span></p>
<h1 id="title-${number}" tabindex="-1">${xmlText(rule)} <span class="cause">${xmlText(cause)}</span></h1>
<p class="lead">${xmlText(message)}</p>
${factsOf(finding)}
${section('Memory map', picturesOf(finding))}
${section('Steps', timeline(finding.steps))}
${section('The case', finding.description.length === 0 ? '' : preformatted(finding.description.join('\n'), 'The case in words'))}
${section('Show it again', againOf(finding))}
${scenario === undefined ? '' : `<details><summary>The case as JSON</summary><div class="json">${preformatted(toJsonText(scenario).trimEnd(), 'The case as JSON')}<button type="button" data-copy aria-label="Copy the case">Copy</button></div></details>`}
</article>`;
}

const againOf = ({ again, scenario }: ReportedFinding): string => {
  if (again !== undefined) return command(again);
  if (scenario === undefined) return '';
  return `<p>No file holds the case. Save the JSON below as case.json, then run</p>${command('npx barproof replay case.json')}`;
};

function factsOf({
  expected,
  observed,
  site,
  realism,
  howOften,
  known,
  revision,
  file,
}: ReportedFinding): string {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['expected', expected],
    ['observed', observed],
    ['in', site],
    ['on', revision],
    ['on real machines', realism],
    ['seen in', howOften],
    ['known', known],
    ['stored as', file],
  ];
  const shown = facts.flatMap(([name, text]) =>
    text === undefined ? [] : [`<div><dt>${name}</dt><dd>${xmlText(text)}</dd></div>`],
  );
  return `<dl class="facts">${shown.join('')}</dl>`;
}

const picturesOf = ({ pictures }: ReportedFinding): string =>
  pictures.map((picture) => pictureOf(picture, pictures.length > 1)).join('\n');

function pictureOf({ caption, map, table }: Picture, isOneOfTwo: boolean): string {
  const what = xmlText(`Memory map: ${caption}`);
  const drawing =
    map.columns.length === 0
      ? '<p>No region of a device is in the memory map.</p>'
      : `<div class="map" tabindex="0" role="region" aria-label="${what}">${guestMapSvg(map, 'page')}</div>`;
  const asTable =
    table.length === 0
      ? ''
      : `<details><summary>The same map as text</summary>${preformatted(table.join('\n'), `${what}, as text`)}</details>`;
  return `<figure>${isOneOfTwo ? `<figcaption>${xmlText(caption)}</figcaption>` : ''}${drawing}${asTable}</figure>`;
}

function timeline(steps: readonly ReportedStep[]): string {
  if (steps.length === 0) return '';
  const items = steps.map(({ operation, actions, isHere }) => {
    const list = actions.map((action) => `<li>${xmlText(action)}</li>`).join('');
    const mark = isHere ? ' <strong>here</strong>' : '';
    return `<li${isHere ? ' class="here"' : ''}><p>${xmlText(operation)}${mark}</p>${list === '' ? '' : `<ul>${list}</ul>`}</li>`;
  });
  return `<ol class="steps" start="0">${items.join('')}</ol>`;
}
