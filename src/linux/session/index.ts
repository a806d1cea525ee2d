/** Sessions of host calls: their form, their answers, and how answers compare. */
export { agrees, SessionComparison, type Disagreement, type DisagreementClass } from './comparison.ts';
export { isAnswered, type CallAnswer } from './host-call.ts';
export type { HostSession } from './host-session.ts';
export { passedToJson, returnedToJson, sessionToJson } from './session-json.ts';
export { sessionInputs, type SessionInput } from './read-sessions.ts';
