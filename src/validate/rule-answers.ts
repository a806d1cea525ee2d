import { END_OF_SPACE } from '../address/index.ts';

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

type Test = (answer: unknown) => boolean;
export type Fields = Readonly<Record<string, unknown>>;

export const value = (expected: string, fits: Test): RuleAnswer => ({ isFunction: false, fits, expected });
export const returns = (expected: string, fits: Test): RuleAnswer => ({ isFunction: true, fits, expected });

export const isFlag: Test = (answer) => typeof answer === 'boolean';
export const isAddress: Test = (answer) =>
  typeof answer === 'bigint' && answer >= 0n && answer < END_OF_SPACE;
export const isSize: Test = (answer) => typeof answer === 'bigint' && answer > 0n && answer <= END_OF_SPACE;
export const isPageSize: Test = (answer) =>
  isSize(answer) && ((answer as bigint) & ((answer as bigint) - 1n)) === 0n;
export const isObject = (answer: unknown): answer is Fields => typeof answer === 'object' && answer !== null;
export const oneOf =
  (...allowed: readonly string[]): Test =>
  (answer) =>
    allowed.includes(answer as string);
export const orNothing =
  (test: Test): Test =>
  (answer) =>
    answer === undefined || test(answer);
export const isReason: Test = (answer) =>
  typeof answer === 'string' && /^[a-z0-9][a-z0-9-]{0,39}$/.test(answer);
export const isSpan: Test = (answer) =>
  isObject(answer) && isAddress(answer['start']) && isSize(answer['size']);
export const isArea: Test = (answer) =>
  isObject(answer) && isAddress(answer['offset']) && (answer['size'] === 0n || isSize(answer['size']));
export const isLayout: Test = (answer) =>
  isObject(answer) &&
  Number.isSafeInteger(answer['vectors']) &&
  [answer['tableBar'], answer['pbaBar']].every((bir) => Number.isSafeInteger(bir)) &&
  isAddress(answer['tableOffset']) &&
  isAddress(answer['pbaOffset']);
export const isExposure: Test = (answer) => {
  if (!isObject(answer)) return false;
  const { kind, layout } = answer;
  return kind === 'capability-rewritten'
    ? isLayout(layout)
    : oneOf('emulated', 'table-disabled', 'not-added')(kind);
};

export const isRelocated: Test = (answer) =>
  isObject(answer) &&
  isSize(answer['barSize']) &&
  isAddress(answer['tableOffset']) &&
  isAddress(answer['pbaOffset']);
export const isMemslot: Test = (answer) =>
  isSpan(answer) && orNothing(isAddress)((answer as Fields)['offset']);
export const isAttributes: Test = (answer) =>
  isObject(answer) && oneOf('io', 'mem32', 'mem64')(answer['type']) && isFlag(answer['prefetchable']);
export const isDecoding: Test = (answer) =>
  isObject(answer) && (isAddress(answer['address']) || isReason(answer['unmapped']));
export const isUnmapResult: Test = (answer) =>
  isObject(answer) && isErrno(answer['errno']) && typeof answer['unmapped'] === 'bigint';
export const isErrno: Test = (answer) => Number.isSafeInteger(answer) && (answer as number) >= 0;
/** A region as the kernel's 64-bit fields can report it, within the address space. */
export const isRegionInfo: Test = (answer) => {
  if (!isObject(answer)) return false;
  const { size, flags, capabilities } = answer;
  return (
    isAddress(size) &&
    isObject(flags) &&
    ['read', 'write', 'mmap'].every((flag) => isFlag(flags[flag])) &&
    isListOf(isRegionCapability)(capabilities)
  );
};
const isRegionCapability: Test = (answer) =>
  isObject(answer) && (answer['id'] === 3 || (answer['id'] === 1 && isListOf(isArea)(answer['areas'])));
export const isListOf =
  (test: Test): Test =>
  (answer) =>
    Array.isArray(answer) && answer.every(test);

export const ATTRIBUTES = returns(
  '{ type: "io", "mem32" or "mem64", prefetchable: true or false }',
  isAttributes,
);
export const YES_OR_NO = returns('true or false', isFlag);
export const PAGE_SIZE = returns('a page size in bytes, a bigint and a power of two', isPageSize);
export const OFFSET = returns('an offset in bytes, a bigint', isAddress);
export const LAYOUT = returns('a layout { vectors, tableBar, tableOffset, pbaBar, pbaOffset }', isLayout);
export const AREAS = 'an array of areas { offset, size }, both bigints';
export const SPAN = returns('{ start, size }, both bigints', isSpan);
export const ERRNO = returns('an error number, 0 for none', isErrno);
export const REGION = returns(
  'one of the regions in its arguments, or undefined',
  orNothing((answer) => isObject(answer) && 'subregions' in answer),
);
export const PRIORITY = value('a whole number', (answer) => Number.isSafeInteger(answer));
export const FLAG = value('true or false', isFlag);
export const FATAL_OR_NOT = value('"fatal" or "reported"', oneOf('fatal', 'reported'));
