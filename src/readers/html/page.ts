import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../../input/index.ts';
import { MAP_STYLE_DARK, MAP_STYLE_LIGHT } from '../../report/index.ts';
import type { Report, ReportTimes } from '../report.ts';
import { xmlText } from '../xml.ts';
import { findingPage } from './finding-page.ts';
import { overview, verdictWords } from './overview.ts';
import { sidebar } from './sidebar.ts';

/** Nothing is fetched: neither by this page nor by what a text in it might smuggle in. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The rules for narrow windows and for paper are in the last one: they change those before. */
const STYLES = ['colours.css', 'report.css', 'page.css'] as const;

/** A report as one HTML file: without a network, for light and dark, for mouse, keyboard and screen reader. */
export function htmlPage(report: Report, { begin }: ReportTimes): string {
  const title = `barproof ${report.command}: ${verdictWords(report)}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${xmlText(title)}</title>
<style>${STYLES.map(asset).join('')}${mapStyle()}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
${sidebar(report)}
<main id="main" tabindex="-1">
${overview(report, begin)}
${report.findings.map((finding) => findingPage(finding, report.findings.length)).join('\n')}
</main>
<p id="said" class="unseen" role="status"></p>
<script>${asset('page.js')}</script>
</body>
</html>
`;
}

/** A file beside this one, which the package ships. */
function asset(name: string): string {
  return readFileSync(join(packageFolder(), 'src/readers/html', name), 'utf8');
}

/** The colours of the pictures: those that the reader's system prefers, or those that the reader chooses. */
const mapStyle = (): string => `
.map {${MAP_STYLE_LIGHT}}
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) .map {${MAP_STYLE_DARK}} }
:root[data-theme="dark"] .map {${MAP_STYLE_DARK}}
`;
