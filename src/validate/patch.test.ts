import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../input/index.ts';
import { findRevision } from '../vfio/index.ts';
import { PatchFault, RuleWatch } from './guard.ts';
import { definePatch, isPatch, type PatchDefinition } from './patch.ts';

const base = findRevision('seed-v2')!;
const pages = { host: 0x1000n, target: 0x1000n, iommu: 0x1000n };

const problemsOf = (definition: unknown) => {
  try {
    definePatch(definition as PatchDefinition);
  } catch (error) {
    return (error as InvalidInput).problems;
  }
  return [];
};

describe('definePatch', () => {
  it('replaces the rules that it names, and no others', () => {
    const patch = definePatch({ name: 'mild', listener: { deviceMemoryFailure: 'reported' } });
    const patched = patch.applyTo(base);
    expect(isPatch(patch)).toBe(true);
    expect(patched).toMatchObject({ id: 'seed-v2+mild', title: 'mild' });
    expect(patched.listener).toEqual({ ...base.listener, deviceMemoryFailure: 'reported' });
    expect(patched.device).toBe(base.device);
  });

  it("passes the base's rules to a change that is a function", () => {
    const patch = definePatch({
      name: 'double',
      listener: (rules) => ({ alignment: (sizes) => 2n * rules.alignment(sizes) }),
    });
    expect(patch.applyTo(base).listener.alignment(pages)).toBe(0x2000n);
  });

  it('reports every unknown key and every value that is not allowed', () => {
    expect(
      problemsOf({
        name: 'Wrong Name',
        titel: 'x',
        listener: { skipp: () => undefined, alignment: 4096n, deviceMemoryFailure: 'ignored' },
        device: [],
      }),
    ).toEqual([
      { path: 'titel', message: 'unknown key; did you mean title?' },
      { path: 'listener.skipp', message: 'unknown rule; did you mean skip?' },
      { path: 'listener.alignment', message: 'expected a function' },
      { path: 'listener.deviceMemoryFailure', message: 'expected "fatal" or "reported"' },
      { path: 'device', message: 'expected an object of rules, or a function that returns one' },
      { path: 'name', message: 'expected lower-case letters, digits, - and ., at most 64 characters' },
    ]);
    expect(problemsOf(undefined)).toEqual([{ path: '', message: 'definePatch expects an object' }]);
    expect(problemsOf({})).toEqual([{ path: 'name', message: 'is missing' }]);
  });

  it('takes texts of at most 500 characters', () => {
    expect(problemsOf({ name: 'a', title: 'x'.repeat(500) })).toEqual([]);
    expect(problemsOf({ name: 'a', title: 'x'.repeat(501) })).toEqual([
      { path: 'title', message: 'expected one line of text, at most 500 characters' },
    ]);
  });

  it('checks the rules that a change returns', () => {
    const patch = definePatch({ name: 'late', memslots: () => ({ spam: 1 }) as object });
    expect(() => patch.applyTo(base)).toThrow(InvalidInput);
  });
});

it('the type of definePatch refuses unknown parts, unknown rules and wrong values', () => {
  const definitions: PatchDefinition[] = [
    // @ts-expect-error unknown rule
    { name: 'x', listener: { skipp: () => undefined } },
    // @ts-expect-error value not allowed
    { name: 'x', listener: { deviceMemoryFailure: 'ignored' } },
    // @ts-expect-error a page size is a bigint
    { name: 'x', listener: { alignment: () => 4096 } },
    // @ts-expect-error unknown part
    { name: 'x', listenr: {} },
  ];
  expect(definitions).toHaveLength(4);
});

it("a change that throws, or writes to the base's rules, is reported as invalid input", () => {
  const apply = (listener: () => object) => () => definePatch({ name: 'x', listener }).applyTo(base);
  expect(
    apply(() => {
      throw new TypeError('no');
    }),
  ).toThrow('listener: throws TypeError: no');
  const overwriting = definePatch({
    name: 'x',
    listener: (rules) => {
      (rules as { deviceMemoryFailure: string }).deviceMemoryFailure = 'reported';
      return {};
    },
  });
  expect(() => overwriting.applyTo(base)).toThrow(/listener: throws TypeError: Cannot assign to read only/);
  expect(base.listener.deviceMemoryFailure).toBe('fatal');
});

describe('a rule of a patch', () => {
  const alignmentOf = (alignment: unknown) =>
    definePatch({ name: 'bad', listener: { alignment } as object }).applyTo(base).listener.alignment;

  it.each([
    [() => 3n, 'listener.alignment returns 3n; expected a page size in bytes, a bigint and a power of two'],
    [
      () => 4096,
      'listener.alignment returns 4096; expected a page size in bytes, a bigint and a power of two',
    ],
    [async () => 4096n, /returns a promise; expected a page size/],
    [() => Promise.reject(new Error('late')), /returns a promise; expected a page size/],
    [() => undefined, /returns undefined; expected/],
    [() => [], /returns an array; expected/],
    [() => ({ a: 1 }), /returns an object with a; expected/],
    [() => null, /returns null; expected/],
    [() => () => 1n, /returns a function; expected/],
    [
      () => {
        throw new TypeError('no such thing');
      },
      'listener.alignment throws TypeError: no such thing',
    ],
  ])('may not throw, or return a value of another type: %s', (rule, message) => {
    expect(() => alignmentOf(rule)(pages)).toThrow(PatchFault);
    expect(() => alignmentOf(rule)(pages)).toThrow(message);
  });

  it.each([
    ['a text', () => 'x'.repeat(1_000), /returns "x{199}…; expected/],
    ['a number', () => 10n ** 1_000n, /returns 10{199}…; expected/],
    ['an object', () => ({ ['x'.repeat(1_000)]: 1 }), /returns an object with x{185}…; expected/],
    [
      'an error',
      () => {
        throw new Error('x'.repeat(1_000));
      },
      /throws Error: x{193}…$/,
    ],
  ])('is told of with at most 200 characters of %s', (_, rule, message) => {
    expect(() => alignmentOf(rule)(pages)).toThrow(message);
  });

  it('may not be called without end', () => {
    const watch = new RuleWatch();
    const { alignment } = definePatch({ name: 'busy', listener: { alignment: () => 4096n } }).applyTo(
      base,
      watch,
    ).listener;
    const callOften = () => {
      for (let count = 0; count < 1_000_001; count++) alignment(pages);
    };
    expect(callOften).toThrow('listener.alignment is called without end: 1000000 calls of rules in one run');
    watch.start();
    expect(alignment(pages)).toBe(4096n);
  });
});
