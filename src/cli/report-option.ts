import { InvalidArgumentError, Option } from 'commander';
import { spellingHint } from '../input/index.ts';
import { REPORT_FORMATS, type ReportFormat, type ReportOrder } from '../readers/index.ts';

/** The options by which a command writes reports. */
export interface ReportOptions {
  readonly report?: readonly ReportOrder[];
  readonly json?: true | undefined;
  readonly mail?: true;
}

/** The option that prints the report as a mail. */
export const mailOption = (): Option =>
  new Option('--mail', 'print the report as a mail of 72 columns, fit for a reply on a mailing list');

/** `--report FORMAT=FILE`, which may be given several times. */
export const reportOption = (): Option =>
  new Option(
    '--report <format=file>',
    `write a report, also after an error or an interrupt; formats: ${REPORT_FORMATS.join(', ')}; may be repeated`,
  ).argParser((text: string, before: readonly ReportOrder[] = []) => [...before, reportOrder(text)]);

function reportOrder(text: string): ReportOrder {
  const [, format = text, file = ''] = /^([^=]*)=(.*)$/.exec(text) ?? [];
  if (!(REPORT_FORMATS as readonly string[]).includes(format)) {
    const hint = spellingHint(format, REPORT_FORMATS, `formats are ${REPORT_FORMATS.join(', ')}.`);
    throw new InvalidArgumentError(`expected FORMAT=FILE, such as html=report.html; ${hint}`);
  }
  if (file === '-')
    throw new InvalidArgumentError(
      `expected a file, such as ${format}=report.${format}: on standard output the report would stand between the lines of the command. /dev/stdout writes there all the same.`,
    );
  if (file === '') throw new InvalidArgumentError(`expected a file, such as ${format}=report.${format}.`);
  return { format: format as ReportFormat, file };
}
