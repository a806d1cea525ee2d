import { appendFileSync } from 'node:fs';
import {
  CODE_QUALITY_FILE,
  githubAnnotations,
  githubSummary,
  type Report,
  type ReportOrder,
} from '../readers/index.ts';

/** The reports that a CI gets without being asked: GitLab reads its annotations from a file. */
export function ciOrders(asked: readonly ReportOrder[]): readonly ReportOrder[] {
  if (process.env['GITLAB_CI'] !== 'true' || asked.some(({ format }) => format === 'gitlab')) return [];
  return [{ format: 'gitlab', file: CODE_QUALITY_FILE }];
}

/** Tells the CI that runs this process what a command has found, in the form that the CI shows beside the run. */
export function tellCi(report: Report): void {
  if (process.env['GITLAB_CI'] === 'true')
    process.stderr.write(`note: declare ${CODE_QUALITY_FILE} as artifacts:reports:codequality of the job\n`);
  if (process.env['GITHUB_ACTIONS'] !== 'true') return;
  // The runner reads both streams; standard output may hold JSON.
  process.stderr.write(githubAnnotations(report, process.cwd()));
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  try {
    appendFileSync(file, githubSummary(report));
  } catch (error) {
    process.stderr.write(`note: the summary of the step cannot be written: ${(error as Error).message}\n`);
  }
}
