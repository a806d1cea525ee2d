import { FlatRange } from '../memory/index.ts';
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
export type RuleGroup = 'listener' | 'device' | 'memslots' | 'machine' | 'memory' | 'pci' | 'host';

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

const isRelocated: Test = (answer) =>
  isObject(answer) &&
  isSize(answer['barSize']) &&
  isAddress(answer['tableOffset']) &&
  isAddress(answer['pbaOffset']);
const isMemslot: Test = (answer) => isSpan(answer) && orNothing(isAddress)((answer as Fields)['offset']);
const isAttributes: Test = (answer) =>
  isObject(answer) && oneOf('io', 'mem32', 'mem64')(answer['type']) && isFlag(answer['prefetchable']);
const isDecoding: Test = (answer) =>
  isObject(answer) && (isAddress(answer['address']) || isReason(answer['unmapped']));
const isErrno: Test = (answer) => Number.isSafeInteger(answer) && (answer as number) >= 0;
const isRegionInfo: Test = (answer) => {
  if (!isObject(answer)) return false;
  const { size, flags, capabilities } = answer;
  return typeof size === 'bigint' && size >= 0n && isObject(flags) && Array.isArray(capabilities);
};
const isListOf =
  (test: Test): Test =>
  (answer) =>
    Array.isArray(answer) && answer.every(test);

const YES_OR_NO = asked('true or false', isFlag);
const PAGE_SIZE = asked('a page size in bytes, a bigint and a power of two', isPageSize);
const OFFSET = asked('an offset in bytes, a bigint', isAddress);
const LAYOUT = asked('a layout { vectors, tableBar, tableOffset, pbaBar, pbaOffset }', isLayout);
const AREAS = 'an array of areas { offset, size }, both bigints';
const ERRNO = asked('an error number, 0 for none', isErrno);
const REGION = asked(
  'one of the regions that it was asked about, or undefined',
  orNothing((answer) => isObject(answer) && 'subregions' in answer),
);
const PRIORITY = value('a whole number', (answer) => Number.isSafeInteger(answer));
const FLAG = value('true or false', isFlag);
const FATAL_OR_NOT = value('"fatal" or "reported"', oneOf('fatal', 'reported'));

/** Every rule of a room has its answer here: the compiler holds this table to the rules themselves. */
type AnswersTo<Room extends RuleGroup> = { readonly [Rule in keyof Revision[Room]]-?: RuleAnswer };

export const RULES: { readonly [Room in RuleGroup]: AnswersTo<Room> } = {
  listener: {
    skip: asked('undefined, or a reason such as "unaligned"', orNothing(isReason)),
    alignment: PAGE_SIZE,
    trim: asked(
      '{ start, size }, both bigints, or a reason such as "empty"',
      (answer) => isSpan(answer) || isReason(answer),
    ),
    mapsDeviceMemory: YES_OR_NO,
    backingOffset: OFFSET,
    mapsReadonly: YES_OR_NO,
    unmaps: YES_OR_NO,
    deviceMemoryFailure: FATAL_OR_NOT,
    ramFailure: FATAL_OR_NOT,
    missingWindow: value('"fatal" or "ignored"', oneOf('fatal', 'ignored')),
    whenUnregistered: value('"nothing", "unmap" or "map"', oneOf('nothing', 'unmap', 'map')),
  },
  device: {
    barAttributes: asked('{ type: "io", "mem32" or "mem64", prefetchable: true or false }', isAttributes),
    sparseAreas: asked(`${AREAS}, or undefined for the whole BAR`, orNothing(isListOf(isArea))),
    checkLocation: asked('nothing: what it does not accept, it throws DeviceRefused for', () => true),
    correctPbaOffset: asked('an offset in bytes, a bigint, or undefined', orNothing(isAddress)),
    toleratesPbaBeyondBarWhenRelocated: FLAG,
    honoursMsixMappable: FLAG,
    fixUpAreas: asked(AREAS, isListOf(isArea)),
    fixUp: value('"before-relocation" or "after-relocation"', oneOf('before-relocation', 'after-relocation')),
    baseRegion: FLAG,
    mmapParent: REGION,
    mmapPriority: PRIORITY,
    msixParent: REGION,
    msixExposure: asked(
      '{ kind: "emulated" }, "table-disabled", "not-added" or "capability-rewritten" with a layout',
      isExposure,
    ),
    relocation: FLAG,
    relocate: asked('{ barSize, tableOffset, pbaOffset }, all bigints', isRelocated),
    relocationWithoutMsix: value('"ignored" or "crash"', oneOf('ignored', 'crash')),
    emulatedLayout: LAYOUT,
    emulatedTableSize: asked('a size in bytes, a bigint', isSize),
    hotplugRefusal: value('"reported" or "crash"', oneOf('reported', 'crash')),
    msixUnplug: value('"done" or "crash"', oneOf('done', 'crash')),
    mmapAlignment: PAGE_SIZE,
    subPageSize: asked('a size in bytes, a bigint', isSize),
    stretchedPriority: PRIORITY,
    wrapperShrinks: FLAG,
  },
  memslots: {
    span: asked('{ start, size }, both bigints, or undefined for no slot', orNothing(isMemslot)),
    slotNumber: asked('the number of a slot, from 0', isErrno),
    deletes: FLAG,
    update: value('"immediately" or "at-commit"', oneOf('immediately', 'at-commit')),
  },
  machine: {
    mmioInPhbDmaSpace: FLAG,
    phbResetNeedsKernelContainer: FLAG,
    xive: FLAG,
    cpuSpaceName: value('one line of text', (answer) => typeof answer === 'string' && answer !== ''),
  },
  memory: {
    settle: asked(
      'an array of flat ranges',
      isListOf((answer) => answer instanceof FlatRange),
    ),
    mergeable: YES_OR_NO,
    sameRange: YES_OR_NO,
    passes: value('"removals-first" or "additions-first"', oneOf('removals-first', 'additions-first')),
    registration: value(
      '"complete", "without-commit" or "silent"',
      oneOf('complete', 'without-commit', 'silent'),
    ),
  },
  pci: {
    decodeBar: asked('{ address } with a bigint, or { unmapped } with a reason', isDecoding),
    decodesWhileDisabled: FLAG,
    hasMoved: YES_OR_NO,
    unmapsOnUnplug: FLAG,
  },
  host: {
    pageSizes: asked(
      'a bitmap of page sizes, a bigint',
      (answer) => isSize(answer) && (answer as bigint) < END_OF_SPACE,
    ),
    regionInfo: asked('{ size, flags, capabilities }', isRegionInfo),
    mmap: ERRNO,
    checksApertures: FLAG,
    refusesMap: ERRNO,
  },
};
