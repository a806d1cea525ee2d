import {
  sessionToJson,
  type Disagreement,
  type DisagreementClass,
  type SessionComparison,
} from '../linux/session/index.ts';
import { answerText, callText, count, HOST_CLAUSES, hostText } from '../report/index.ts';
import type { JsonValue } from '../scenario/index.ts';
import type { EmitReportEvent, ReportPlan, ReportedFinding, Rule } from './report-event.ts';

/** The one rule of a host: it answers as the recorded kernel. */
const ANSWERS_AS_RECORDED: Rule = {
  id: 'host-answers',
  clause: 'each host call is answered as the kernel answered it when the session was recorded',
  severity: 'error',
};

/** The rule of a kernel, which is compared with the model as well. */
const MODEL_ANSWERS: Rule = {
  id: 'model-answers',
  clause: HOST_CLAUSES['model-answers'],
  severity: 'error',
};

/** @param again the command line that repeats the comparison. @param isKernel whether a real kernel answers. */
export const hostPlan = (target: string, again: string, isKernel: boolean): ReportPlan => ({
  subject: 'the answers to recorded host calls',
  target,
  cases: 0,
  rules: isKernel ? [ANSWERS_AS_RECORDED, MODEL_ANSWERS] : [ANSWERS_AS_RECORDED],
  again,
  notes: [],
});

/** How the answers of a host compare with recorded ones and, if the host is a kernel, with those of the model. */
export interface HostComparisons {
  readonly comparison: SessionComparison;
  readonly withModel: SessionComparison | undefined;
}

/** Tells by the events of a report how the answers of a host agree with recorded ones. */
export function comparisonEvents(
  { comparison, withModel }: HostComparisons,
  emit: EmitReportEvent,
  again: string,
): void {
  const { classes, sessions, agreements, reasons } = comparison;
  const modelClasses = withModel?.classes ?? [];
  for (const [index, one] of classes.entries())
    emit({ type: 'finding', finding: findingOf(one, index + 1, again) });
  for (const [index, one] of modelClasses.entries()) {
    const finding = findingOf(one, classes.length + index + 1, again);
    emit({ type: 'finding', finding: { ...finding, ...modelWords(one.example) } });
  }
  const sum = (key: 'agree' | 'differ' | 'unanswered'): number =>
    agreements.reduce((total, one) => total + one[key], 0);
  const calls = sum('agree') + sum('differ');
  emit({
    type: 'summary',
    summary: {
      cases: sessions,
      exercised: {
        [ANSWERS_AS_RECORDED.id]: calls,
        ...(withModel && { 'model-answers': callsOf(withModel) }),
      },
      outcomes: { agree: sum('agree'), differ: sum('differ') },
      notRun: Object.fromEntries(reasons),
      known: [],
      headline: [
        classes.length === 0
          ? `all ${calls} answers agree with the recorded ones`
          : `${sum('differ')} of ${calls} answers differ from the recorded ones, in ${count(classes.length, 'way')}`,
        ...(modelClasses.length === 0
          ? []
          : [`the model answers in another way than the kernel, in ${count(modelClasses.length, 'way')}`]),
        `${count(sessions, 'session')}, ${sum('unanswered')} calls not answered`,
      ],
    },
  });
}

const callsOf = ({ agreements }: SessionComparison): number =>
  agreements.reduce((total, { agree, differ }) => total + agree + differ, 0);

/** A class of disagreements with recorded answers as a finding. */
function findingOf(
  { name, kernels, count: times, example }: DisagreementClass,
  number: number,
  again: string,
): ReportedFinding {
  const { session, index: call, recorded, answer, place } = example;
  const recordedText = `recorded ${answerText(recorded)}; answered ${answerText(answer)}`;
  return {
    number,
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
  };
}

/** What is said of a call that the model answers in another way than the kernel. */
function modelWords({
  session,
  index,
  recorded,
  answer,
}: Disagreement): Pick<ReportedFinding, 'rule' | 'expected' | 'observed' | 'description'> {
  const observed = `the kernel ${answerText(recorded)}; the model ${answerText(answer)}`;
  return {
    rule: 'model-answers',
    expected: HOST_CLAUSES['model-answers'],
    observed,
    description: [hostText(session), callText(session, index), observed],
  };
}
