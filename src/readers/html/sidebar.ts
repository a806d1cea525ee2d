import { fingerprintOf } from '../finding-text.ts';
import type { ReportedFinding } from '../report-event.ts';
import type { Report } from '../report.ts';
import { xmlText } from '../xml.ts';

/** The list of findings, with a filter, and the switch between light and dark. */
export const sidebar = ({ findings, plan, command }: Report): string => `<nav aria-label="Findings">
<p class="name"><a href="#overview">barproof ${command}</a></p>
<p class="subject">${xmlText(plan?.subject ?? '')}</p>
<button type="button" id="theme" aria-live="polite">Colours: as the system</button>
${
  findings.length === 0
    ? ''
    : `<label for="filter">Filter the findings <kbd>/</kbd></label>
<input id="filter" type="search" autocomplete="off" spellcheck="false" placeholder="rule, cause, device, address">
<p id="count" class="count">${findings.length} of ${findings.length}</p>
<ol id="findings">
${findings.map(entry).join('\n')}
</ol>
<p class="keys"><kbd>j</kbd> <kbd>k</kbd> next, previous; <kbd>Esc</kbd> overview</p>`
}
</nav>`;

const entry = (finding: ReportedFinding): string =>
  `<li data-text="${xmlText(searchText(finding))}"><a href="#${anchorOf(finding)}">` +
  `<span class="kind ${kindOf(finding)}">${kindOf(finding)}</span> <b>${xmlText(finding.rule)}</b> ` +
  `<span class="cause">${xmlText(finding.cause)}</span></a></li>`;

/** What the filter looks at, in lower case. */
const searchText = (finding: ReportedFinding): string =>
  [fingerprintOf(finding), kindOf(finding), finding.revision, finding.message, ...finding.description]
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .toLowerCase();

/** `error`, `warning`, or what a patch does. */
export const kindOf = ({ effect, severity }: ReportedFinding): string => effect ?? severity;

/** The address of a finding in the page. It stays the same when the report is made again. */
export const anchorOf = (finding: ReportedFinding): string => {
  const effect = finding.effect === undefined ? '' : `${finding.effect}.`;
  return `${effect}${fingerprintOf(finding)}`.replaceAll(/[^\w.-]+/g, '.');
};
