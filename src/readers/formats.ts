import { toJsonText } from '../scenario/index.ts';
import { codeQuality } from './ci/gitlab.ts';
import { htmlPage } from './html/page.ts';
import { reportToJson } from './json.ts';
import { junitXml } from './junit.ts';
import { mailText } from './mail.ts';
import type { DocumentFormat } from './report-formats.ts';
import type { Report, ReportTimes } from './report.ts';
import { sarifLog } from './sarif.ts';

/** Writes a report as a document of each format. `folder` is the checkout, to which paths are made relative. */
export const DOCUMENTS: Readonly<
  Record<DocumentFormat, (report: Report, times: ReportTimes, folder: string) => string>
> = {
  json: (report) => toJsonText(reportToJson(report)),
  junit: junitXml,
  sarif: (report, _times, folder) => toJsonText(sarifLog(report, folder)),
  html: htmlPage,
  mail: mailText,
  gitlab: (report, _times, folder) => toJsonText(codeQuality(report, folder)),
};
