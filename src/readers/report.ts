import type { Problem } from '../input/index.ts';
import type {
  ReportEvent,
  ReportPlan,
  ReportSummary,
  ReportVerdict,
  ReportedFinding,
  ReportedInput,
  ReportingCommand,
} from './report-event.ts';

/** All events of a command, put together: what a document is made of. */
export interface Report {
  readonly command: ReportingCommand;
  /** Version of barproof. */
  readonly version: string;
  /** Left out where an error came first. */
  readonly plan?: ReportPlan;
  readonly inputs: readonly ReportedInput[];
  readonly findings: readonly ReportedFinding[];
  readonly problems: readonly Problem[];
  readonly interrupted: boolean;
  /** Left out where an error came first. */
  readonly summary?: ReportSummary;
  readonly verdict: ReportVerdict;
}

/** When a command began, and how long it took. Documents that hold times get them from their caller. */
export interface ReportTimes {
  readonly begin: Date;
  /** In seconds. */
  readonly duration: number;
}

/** Puts the events of a command together. */
export class ReportCollector {
  #report: Report = {
    command: 'check',
    version: '',
    inputs: [],
    findings: [],
    problems: [],
    interrupted: false,
    verdict: 'could-not-run',
  };

  get report(): Report {
    return this.#report;
  }

  add(event: ReportEvent): void {
    const report = this.#report;
    switch (event.type) {
      case 'opened':
        this.#report = { ...report, command: event.command, version: event.version };
        break;
      case 'started':
        this.#report = { ...report, plan: event.plan };
        break;
      case 'input':
        this.#report = { ...report, inputs: [...report.inputs, event.input] };
        break;
      case 'finding':
        this.#report = { ...report, findings: [...report.findings, event.finding] };
        break;
      case 'problem':
        this.#report = { ...report, problems: [...report.problems, event.problem] };
        break;
      case 'interrupted':
        this.#report = { ...report, interrupted: true };
        break;
      case 'summary':
        this.#report = { ...report, summary: event.summary };
        break;
      case 'finished':
        this.#report = { ...report, verdict: event.verdict };
        break;
      case 'progress':
        break;
    }
  }
}
