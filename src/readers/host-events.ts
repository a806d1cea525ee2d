import { sessionToJson, type SessionComparison } from '../linux/session/index.ts';
import { answerText, callText, count, hostText } from '../report/index.ts';
import type { JsonValue } from '../scenario/index.ts';
import type { EmitReportEvent, ReportPlan, Rule } from './report-event.ts';

/** The one rule of a host: it answers as the recorded kernel. */
const ANSWERS_AS_RECORDED: Rule = {
  id: 'host-answers',
  clause: 'each host call is answered as the kernel answered it when the session was recorded',
  severity: 'error',
};

/** @param again the command line that repeats the comparison. */
export const hostPlan = (target: string, again: string): ReportPlan => ({
  subject: 'the answers to recorded host calls',
  target,
  cases: 0,
  rules: [ANSWERS_AS_RECORDED],
  again,
  notes: [],
});

/** Tells by the events of a report how the answers of a host agree with recorded ones. */
export function comparisonEvents(comparison: SessionComparison, emit: EmitReportEvent, again: string): void {
  const { classes, sessions, agreements, reasons } = comparison;
  for (const [index, { name, kernels, count: times, example }] of classes.entries()) {
    const { session, index: call, recorded, answer, place } = example;
    const recordedText = `recorded ${answerText(recorded)}; answered ${answerText(answer)}`;
    emit({
      type: 'finding',
      finding: {
        number: index + 1,
        rule: ANSWERS_AS_RECORDED.id,
        cause: name
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, '-')
          .replaceAll(/^-|-$/g, ''),
        severity: 'error',
        message: `${name}: call ${call} of session ${session.seed ?? session.id}, ${callText(session, call)}`,
        expected: ANSWERS_AS_RECORDED.clause,
        observed: recordedText,
        revision: `Linux ${kernels.join(', ')}`,
        howOften: count(times, 'call'),
        ...(place !== undefined && { file: place.file, line: place.line }),
        again,
        scenario: sessionToJson(
          session,
          session.steps.map((step) => step.recorded ?? { unanswered: 'not recorded' }),
        ) as unknown as JsonValue,
        description: [hostText(session), callText(session, call), recordedText],
        steps: [],
        pictures: [],
      },
    });
  }
  const sum = (key: 'agree' | 'differ' | 'unanswered'): number =>
    agreements.reduce((total, one) => total + one[key], 0);
  const calls = sum('agree') + sum('differ');
  emit({
    type: 'summary',
    summary: {
      cases: sessions,
      exercised: { [ANSWERS_AS_RECORDED.id]: calls },
      outcomes: { agree: sum('agree'), differ: sum('differ') },
      notRun: Object.fromEntries(reasons),
      known: [],
      headline: [
        classes.length === 0
          ? `all ${calls} answers agree with the recorded ones`
          : `${sum('differ')} of ${calls} answers differ from the recorded ones, in ${count(classes.length, 'way')}`,
        `${count(sessions, 'session')}, ${sum('unanswered')} calls not answered`,
      ],
    },
  });
}
