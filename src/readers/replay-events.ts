import { findingOf, type Replay } from '../campaign/index.ts';
import { InvalidInput, type Problem } from '../input/index.ts';
import { INVARIANTS, fingerprintText } from '../invariants/index.ts';
import { count } from '../report/index.ts';
import { reportedFinding, ruleOf } from './finding.ts';
import type { EmitReportEvent, ReportedInput } from './report-event.ts';

/** Turns replays, one after the other, into the events of a report. */
export class ReplayEvents {
  readonly #emit: EmitReportEvent;
  readonly #again: (file: string) => string;
  readonly #outcomes: Record<string, number> = {};
  readonly #results: ReportedInput['result'][] = [];
  #findings = 0;

  /** @param again the command line that replays a file. */
  constructor(emit: EmitReportEvent, again: (file: string) => string) {
    this.#emit = emit;
    this.#again = again;
  }

  /**
   * @param target `model`, or what the user calls the real VMM.
   * @param again the command line that replays all files.
   */
  start(plan: {
    readonly files: number;
    readonly revision: string | undefined;
    readonly target: string;
    readonly again: string;
  }): void {
    this.#emit({
      type: 'started',
      plan: {
        subject: plan.revision ?? 'the revision of each case',
        target: plan.target,
        cases: plan.files,
        rules: INVARIANTS.map(ruleOf),
        again: plan.again,
        notes: [],
      },
    });
  }

  add(file: string, { trace, violations, isCounterexample, explanation }: Replay): void {
    this.#outcomes[trace.outcome] = (this.#outcomes[trace.outcome] ?? 0) + 1;
    for (const violation of violations) {
      const finding = { ...findingOf(trace, violation), ...(explanation !== undefined && { explanation }) };
      const place = { number: ++this.#findings, file, again: this.#again(file) };
      this.#emit({ type: 'finding', finding: reportedFinding(finding, place) });
    }
    const broken = [...new Set(violations.map(fingerprintText))].join(', ');
    this.#note({
      name: file,
      result: isCounterexample ? 'counterexample' : 'holds',
      text:
        broken === ''
          ? `every invariant holds on ${trace.revision}`
          : `breaks ${broken} on ${trace.revision}`,
    });
  }

  /** Notes a file that cannot be replayed. */
  fail(file: string, problems: readonly Problem[]): void {
    const failure = new InvalidInput(problems);
    for (const problem of failure.within(file).problems) this.#emit({ type: 'problem', problem });
    this.#note({ name: file, result: 'could-not-run', text: failure.message });
  }

  finish(): void {
    const number = (result: ReportedInput['result']): number =>
      this.#results.filter((other) => other === result).length;
    const failed = number('could-not-run');
    this.#emit({
      type: 'summary',
      summary: {
        cases: this.#results.length - failed,
        exercised: {},
        outcomes: this.#outcomes,
        notRun: {},
        known: [],
        headline: [
          `${number('counterexample')} of ${count(this.#results.length, 'case')} break an invariant`,
          ...(failed > 0 ? [`${count(failed, 'case')} could not be run`] : []),
        ],
      },
    });
  }

  #note(input: ReportedInput): void {
    this.#results.push(input.result);
    this.#emit({ type: 'input', input });
  }
}
