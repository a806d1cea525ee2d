import { relative, isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Problem } from '../input/index.ts';
import { toJsonText } from '../scenario/index.ts';
import { findingLines, fingerprintOf, isFault } from './finding-text.ts';
import { lineOf, sourceOf } from './place-of-finding.ts';
import type { ReportedFinding, Rule } from './report-event.ts';
import type { Report } from './report.ts';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

/**
 * A report as SARIF 2.1.0. Each rule is a reporting descriptor, and the fingerprint of a result is
 * `RULE/CAUSE`, so that a service recognises a finding in the next run although its case has changed.
 *
 * @param folder the folder to which paths of files are made relative: the checkout.
 */
export function sarifLog(report: Report, folder: string): object {
  const { version, plan, findings, problems, interrupted, verdict } = report;
  const rules = plan?.rules ?? [];
  const unsaved = findings.filter(({ file }) => file === undefined);
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'barproof',
            // SARIF wants a version of three numbers here.
            semanticVersion: version,
            version,
            rules: rules.map(descriptor),
          },
        },
        automationDetails: { id: `barproof/${report.command}/${slug(plan?.subject ?? '')}` },
        invocations: [
          {
            executionSuccessful: verdict !== 'could-not-run',
            exitCode: EXIT_CODES[verdict],
            ...(plan && { commandLine: plan.again }),
            toolExecutionNotifications: [
              ...problems.map((problem) => notification(problemText(problem), 'error')),
              ...(interrupted ? [notification('interrupted before all cases had run', 'warning')] : []),
            ],
          },
        ],
        ...(plan?.seed !== undefined && { properties: { seed: plan.seed, target: plan.target } }),
        columnKind: 'utf16CodeUnits',
        ...(unsaved.some(hasSource) && { originalUriBaseIds: { [SOURCE]: SOURCE_BASE } }),
        ...(unsaved.length > 0 && { artifacts: unsaved.map(artifact) }),
        results: findings.map((finding) => ({
          ...result(finding, rules, placeOf(finding, folder)),
          ...(finding.file === undefined && { attachments: [attachment(unsaved.indexOf(finding))] }),
        })),
      },
    ],
  };
}

const EXIT_CODES = { holds: 0, counterexample: 1, 'could-not-run': 2 } as const;

const slug = (text: string): string => text.replaceAll(/[^\w.+-]+/g, '-');

const problemText = ({ path, message }: Problem): string => (path === '' ? message : `${path}: ${message}`);

const notification = (text: string, level: 'error' | 'warning'): object => ({ level, message: { text } });

const descriptor = ({ id, clause, severity, site }: Rule): object => ({
  id,
  name: id.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  shortDescription: { text: `${clause}.` },
  fullDescription: { text: site === undefined ? `${clause}.` : `${clause}. It is kept in ${site}.` },
  defaultConfiguration: { level: severity },
  properties: { tags: ['vfio', 'pci'], precision: 'very-high' },
});

/** The base of paths in the source of the VMM, which is not in the checkout. */
const SOURCE = 'VMM_SOURCE';
const SOURCE_BASE = { description: { text: 'The source of the VMM that was checked.' } };

const hasSource = (finding: ReportedFinding): boolean => sourceOf(finding) !== undefined;

/**
 * Where a result points to: the file of its case. Where no file holds the case, the place in the VMM that has to obey the
 * rule, if there is one place.
 */
function placeOf(finding: ReportedFinding, folder: string): object | undefined {
  if (finding.file !== undefined) return { uri: uriOf(finding.file, folder) };
  const source = sourceOf(finding);
  return source === undefined ? undefined : { uri: relativeUri(source), uriBaseId: SOURCE };
}

const attachment = (index: number): object => ({
  description: { text: 'The case of the finding.' },
  artifactLocation: { index },
});

/** The case of a finding that is in no file. */
const artifact = (finding: ReportedFinding, index: number): object => ({
  description: {
    text: `The case of ${fingerprintOf(finding)}, number ${index + 1} of those that no file holds.`,
  },
  ...(finding.scenario !== undefined && {
    mimeType: 'application/json',
    contents: { text: toJsonText(finding.scenario) },
  }),
});

/** @param place the location of the file to which the result points; `undefined` where there is none. */
function result(finding: ReportedFinding, rules: readonly Rule[], place: object | undefined): object {
  const { rule, cause, message, site, severity, effect, again, scenario } = finding;
  const index = rules.findIndex(({ id }) => id === rule);
  return {
    ruleId: rule,
    ...(index !== -1 && { ruleIndex: index }),
    // SARIF knows a level only for what fails.
    ...(effect === 'mends' || effect === 'uncovers'
      ? { kind: 'informational', level: 'none' }
      : { kind: 'fail', level: isFault(finding) ? 'error' : severity }),
    message: { text: `${effect === undefined ? '' : `${effect}: `}${message}` },
    locations: [
      {
        // Services show a result only at a line of a file.
        ...(place !== undefined && {
          physicalLocation: { artifactLocation: place, region: { startLine: lineOf(finding) } },
        }),
        ...(site !== undefined && { logicalLocations: [{ fullyQualifiedName: site, kind: 'function' }] }),
        message: { text: finding.observed },
      },
    ],
    partialFingerprints: { 'barproof/v1': fingerprintOf(finding) },
    properties: {
      cause,
      revision: finding.revision,
      details: findingLines(finding).join('\n'),
      ...(again !== undefined && { again }),
      ...(scenario !== undefined && { scenario }),
    },
  };
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A path inside of the folder is relative, as services expect; another one is a file URL. */
function uriOf(given: string, folder: string): string {
  // A URI has no half of a character.
  const file = given.replaceAll(LONE_SURROGATE, '\ufffd');
  const path = relative(folder, file);
  if (path.startsWith('..') || isAbsolute(path)) return pathToFileURL(file).href;
  return relativeUri(path);
}

/** A relative path as a URI. */
const relativeUri = (path: string): string =>
  path.replaceAll(LONE_SURROGATE, '\ufffd').split('/').map(encodeURIComponent).join('/');
