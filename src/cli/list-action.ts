import { REAL_DEVICES } from '../../generators/index.ts';
import { INVARIANTS } from '../invariants/index.ts';
import { ALL_REVISIONS } from '../model/index.ts';
import {
  deviceList,
  devicesToJson,
  invariantList,
  invariantsToJson,
  revisionList,
  revisionsToJson,
  ruleList,
  rulesToJson,
} from '../report/index.ts';
import { toJsonText } from '../scenario/index.ts';
import { listRules } from '../validate/index.ts';

interface List {
  /** For people. */
  readonly text: () => string;
  /** For programs. */
  readonly json: () => string;
}

/** The lists of `barproof list`, by name. */
export const LISTS = {
  invariants: {
    text: () => invariantList(INVARIANTS),
    json: () => toJsonText(invariantsToJson(INVARIANTS)),
  },
  revisions: {
    text: () => revisionList(ALL_REVISIONS),
    json: () => toJsonText(revisionsToJson(ALL_REVISIONS)),
  },
  devices: { text: () => deviceList(REAL_DEVICES), json: () => toJsonText(devicesToJson(REAL_DEVICES)) },
  rules: { text: () => ruleList(listRules()), json: () => toJsonText(rulesToJson(listRules())) },
} as const satisfies Record<string, List>;
