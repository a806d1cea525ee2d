/** The formats of `--report`: documents are written at the end, `ndjson` a line for each event as it happens. */
export const DOCUMENT_FORMATS = ['json', 'junit', 'sarif', 'html', 'mail', 'gitlab'] as const;
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number];

export const REPORT_FORMATS = [...DOCUMENT_FORMATS, 'ndjson'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** What `--report FORMAT=FILE` asks for. */
export interface ReportOrder {
  readonly format: ReportFormat;
  readonly file: string;
}
