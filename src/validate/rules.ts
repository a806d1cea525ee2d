import type { Revision } from '../vfio/index.ts';

/** What a rule may answer, checked at run time: a patch need not have passed a type checker. */
export interface RuleAnswer {
  /** Whether the rule is a function that is asked; else it is a value. */
  readonly asked: boolean;
  readonly fits: (answer: unknown) => boolean;
  /** What `fits` accepts, in words: "true or false". */
  readonly expected: string;
}

/** The answers of a group of rules, by the rule's name. */
export type RuleAnswers = Readonly<Record<string, RuleAnswer>>;

/** The groups of rules that a patch may change: the parts of a `Revision` with these names. */
export type RoomName = 'listener' | 'device' | 'memslots' | 'machine';

type Test = (answer: unknown) => boolean;
type Fields = Readonly<Record<string, unknown>>;

const value = (expected: string, fits: Test): RuleAnswer => ({ asked: false, fits, expected });
const asked = (expected: string, fits: Test): RuleAnswer => ({ asked: true, fits, expected });

const END_OF_SPACE = 1n << 64n;
const isFlag: Test = (answer) => typeof answer === 'boolean';
const isAddress: Test = (answer) => typeof answer === 'bigint' && answer >= 0n && answer < END_OF_SPACE;
const isSize: Test = (answer) => typeof answer === 'bigint' && answer > 0n && answer <= END_OF_SPACE;
const isPageSize: Test = (answer) =>
  isSize(answer) && ((answer as bigint) & ((answer as bigint) - 1n)) === 0n;
const isObject = (answer: unknown): answer is Fields => typeof answer === 'object' && answer !== null;
const oneOf =
  (...allowed: readonly string[]): Test =>
  (answer) =>
    allowed.includes(answer as string);
const orNothing =
  (test: Test): Test =>
  (answer) =>
    answer === undefined || test(answer);
const isReason: Test = (answer) => typeof answer === 'string' && /^[a-z0-9][a-z0-9-]{0,39}$/.test(answer);
const isSpan: Test = (answer) => isObject(answer) && isAddress(answer['start']) && isSize(answer['size']);
const isArea: Test = (answer) =>
  isObject(answer) &&
  isAddress(answer['offset']) &&
  typeof answer['size'] === 'bigint' &&
  answer['size'] >= 0n;
const isLayout: Test = (answer) =>
  isObject(answer) &&
  Number.isSafeInteger(answer['vectors']) &&
  [answer['tableBar'], answer['pbaBar']].every((bir) => Number.isSafeInteger(bir)) &&
  isAddress(answer['tableOffset']) &&
  isAddress(answer['pbaOffset']);
const isExposure: Test = (answer) => {
  if (!isObject(answer)) return false;
  const { kind, layout } = answer;
  return kind === 'capability-rewritten'
    ? isLayout(layout)
    : oneOf('emulated', 'table-disabled', 'not-added')(kind);
};

const FLAG = value('true or false', isFlag);
const FATAL_OR_NOT = value('"fatal" or "reported"', oneOf('fatal', 'reported'));

/** Every rule of a room has its answer here: the compiler holds this table to the rules themselves. */
type AnswersTo<Room extends RoomName> = { readonly [Rule in keyof Revision[Room]]-?: RuleAnswer };

export const RULES: { readonly [Room in RoomName]: AnswersTo<Room> } = {
  listener: {
    skip: asked('undefined, or a reason such as "unaligned"', orNothing(isReason)),
    alignment: asked('a page size in bytes, a bigint and a power of two', isPageSize),
    mapsDeviceMemory: asked('true or false', isFlag),
    unmapsWhenUnregistered: FLAG,
    deviceMemoryFailure: FATAL_OR_NOT,
  },
  device: {
    sparseAreas: asked(
      'an array of areas { offset, size }, both bigints',
      (answer) => Array.isArray(answer) && answer.every(isArea),
    ),
    checkLocation: asked('nothing: it refuses by refuseDevice', () => true),
    correctPbaOffset: asked('an offset, a bigint, or undefined', orNothing(isAddress)),
    toleratesPbaBeyondBarWhenRelocated: FLAG,
    honoursMsixMappable: FLAG,
    baseRegion: FLAG,
    msixParent: asked(
      'one of the regions that it was asked about, or undefined',
      orNothing((answer) => isObject(answer) && 'subregions' in answer),
    ),
    msixExposure: asked(
      '{ kind: "emulated" }, "table-disabled", "not-added" or "capability-rewritten" with a layout',
      isExposure,
    ),
    relocation: FLAG,
    hotplugRefusal: value('"reported" or "crash"', oneOf('reported', 'crash')),
    mmapAlignment: asked('a page size in bytes, a bigint and a power of two', isPageSize),
  },
  memslots: {
    span: asked('{ start, size }, both bigints, or undefined for no slot', orNothing(isSpan)),
    update: value('"immediately" or "at-commit"', oneOf('immediately', 'at-commit')),
  },
  machine: {
    mmioInPhbDmaSpace: FLAG,
    phbResetNeedsKernelContainer: FLAG,
    xive: FLAG,
    cpuSpaceName: value('one line of text', (answer) => typeof answer === 'string' && answer !== ''),
  },
};
