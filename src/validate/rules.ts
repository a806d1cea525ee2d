import { FlatRange } from '../memory/index.ts';
import type { Revision } from '../vfio/index.ts';

/** What a rule may return, checked at run time: patch files are loaded without a type check. */
export interface RuleAnswer {
  /** Whether the rule is a function; otherwise it is a value. */
  readonly isFunction: boolean;
  readonly fits: (answer: unknown) => boolean;
  /** The values that `fits` accepts, in words: "true or false". */
  readonly expected: string;
}

/** What the rules of a group may return, by the rule's name. */
export type RuleAnswers = Readonly<Record<string, RuleAnswer>>;

/** The groups of rules that a patch may change: the parts of a `Revision` with these names. */
export type RuleGroup = 'listener' | 'device' | 'memslots' | 'machine' | 'memory' | 'pci' | 'host';

type Test = (answer: unknown) => boolean;
type Fields = Readonly<Record<string, unknown>>;

const value = (expected: string, fits: Test): RuleAnswer => ({ isFunction: false, fits, expected });
const returns = (expected: string, fits: Test): RuleAnswer => ({ isFunction: true, fits, expected });

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

const YES_OR_NO = returns('true or false', isFlag);
const PAGE_SIZE = returns('a page size in bytes, a bigint and a power of two', isPageSize);
const OFFSET = returns('an offset in bytes, a bigint', isAddress);
const LAYOUT = returns('a layout { vectors, tableBar, tableOffset, pbaBar, pbaOffset }', isLayout);
const AREAS = 'an array of areas { offset, size }, both bigints';
const ERRNO = returns('an error number, 0 for none', isErrno);
const REGION = returns(
  'one of the regions in its arguments, or undefined',
  orNothing((answer) => isObject(answer) && 'subregions' in answer),
);
const PRIORITY = value('a whole number', (answer) => Number.isSafeInteger(answer));
const FLAG = value('true or false', isFlag);
const FATAL_OR_NOT = value('"fatal" or "reported"', oneOf('fatal', 'reported'));

/** The compiler requires an answer for every rule of a group. */
type AnswersTo<Group extends RuleGroup> = { readonly [Rule in keyof Revision[Group]]-?: RuleAnswer };

export const RULES: { readonly [Group in RuleGroup]: AnswersTo<Group> } = {
  listener: {
    skip: returns('undefined, or a reason such as "unaligned"', orNothing(isReason)),
    alignment: PAGE_SIZE,
    trim: returns(
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
    barAttributes: returns('{ type: "io", "mem32" or "mem64", prefetchable: true or false }', isAttributes),
    sparseAreas: returns(`${AREAS}, or undefined for the whole BAR`, orNothing(isListOf(isArea))),
    checkLocation: returns(
      'nothing; it throws DeviceRefused for a layout that it does not accept',
      () => true,
    ),
    correctPbaOffset: returns('an offset in bytes, a bigint, or undefined', orNothing(isAddress)),
    toleratesPbaBeyondBarWhenRelocated: FLAG,
    honoursMsixMappable: FLAG,
    fixUpAreas: returns(AREAS, isListOf(isArea)),
    fixUp: value('"before-relocation" or "after-relocation"', oneOf('before-relocation', 'after-relocation')),
    baseRegion: FLAG,
    mmapParent: REGION,
    mmapPriority: PRIORITY,
    msixParent: REGION,
    msixExposure: returns(
      '{ kind: "emulated" }, "table-disabled", "not-added" or "capability-rewritten" with a layout',
      isExposure,
    ),
    relocation: FLAG,
    relocate: returns('{ barSize, tableOffset, pbaOffset }, all bigints', isRelocated),
    relocationWithoutMsix: value('"ignored" or "crash"', oneOf('ignored', 'crash')),
    emulatedLayout: LAYOUT,
    emulatedTableSize: returns('a size in bytes, a bigint', isSize),
    hotplugRefusal: value('"reported" or "crash"', oneOf('reported', 'crash')),
    msixUnplug: value('"done" or "crash"', oneOf('done', 'crash')),
    exportsDmaBuf: FLAG,
    mmapAlignment: PAGE_SIZE,
    subPageSize: returns('a size in bytes, a bigint', isSize),
    stretchedPriority: PRIORITY,
    wrapperShrinks: FLAG,
  },
  memslots: {
    span: returns('{ start, size }, both bigints, or undefined for no slot', orNothing(isMemslot)),
    slotNumber: returns('the number of a slot, from 0', isErrno),
    deletes: FLAG,
    update: value('"immediately" or "at-commit"', oneOf('immediately', 'at-commit')),
  },
  machine: {
    mmioInPhbDmaSpace: FLAG,
    phbResetNeedsKernelContainer: FLAG,
    avoidsHyperTransport: FLAG,
    checksPhysBits: FLAG,
    xive: FLAG,
    cpuSpaceName: value('one line of text', (answer) => typeof answer === 'string' && answer !== ''),
  },
  memory: {
    settle: returns(
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
    decodeBar: returns('{ address } with a bigint, or { unmapped } with a reason', isDecoding),
    decodesWhileDisabled: FLAG,
    hasMoved: YES_OR_NO,
    unmapsOnUnplug: FLAG,
  },
  host: {
    pageSizes: returns(
      'a bitmap of page sizes, a bigint',
      (answer) => isSize(answer) && (answer as bigint) < END_OF_SPACE,
    ),
    regionInfo: returns('{ size, flags, capabilities }', isRegionInfo),
    mmap: ERRNO,
    checksApertures: FLAG,
    refusesMap: ERRNO,
  },
};
