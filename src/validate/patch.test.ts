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
  it('changes what it names and nothing else', () => {
    const patch = definePatch({ name: 'mild', listener: { deviceMemoryFailure: 'reported' } });
    const patched = patch.applyTo(base);
    expect(isPatch(patch)).toBe(true);
    expect(patched).toMatchObject({ id: 'seed-v2+mild', title: 'mild' });
    expect(patched.listener).toEqual({ ...base.listener, deviceMemoryFailure: 'reported' });
    expect(patched.device).toBe(base.device);
  });

  it("hands the base's rules to a change that asks for them", () => {
    const patch = definePatch({
      name: 'double',
      listener: (rules) => ({ alignment: (sizes) => 2n * rules.alignment(sizes) }),
    });
    expect(patch.applyTo(base).listener.alignment(pages)).toBe(0x2000n);
  });

  it('names every key and value that does not fit', () => {
    expect(
      problemsOf({
        name: 'Wrong Name',
        titel: 'x',
        listener: { skipp: () => undefined, alignment: 4096n, deviceMemoryFailure: 'ignored' },
        device: [],
      }),
    ).toEqual([
      { path: 'titel', message: 'a patch has no such part; did you mean title?' },
      { path: 'listener.skipp', message: 'there is no such rule; did you mean skip?' },
      { path: 'listener.alignment', message: 'expected a function' },
      { path: 'listener.deviceMemoryFailure', message: 'expected "fatal" or "reported"' },
      { path: 'device', message: 'expected an object of rules, or a function that returns one' },
      { path: 'name', message: 'expected lower-case letters, digits, - and ., 64 at most' },
    ]);
    expect(problemsOf(undefined)).toEqual([{ path: '', message: 'definePatch expects an object' }]);
    expect(problemsOf({})).toEqual([{ path: 'name', message: 'is missing' }]);
  });

  it('checks what a function of the base returns', () => {
    const patch = definePatch({ name: 'late', memslots: () => ({ spam: 1 }) as object });
    expect(() => patch.applyTo(base)).toThrow(InvalidInput);
  });
});

it('is led by its types', () => {
  const definitions: PatchDefinition[] = [
    // @ts-expect-error there is no such rule
    { name: 'x', listener: { skipp: () => undefined } },
    // @ts-expect-error there is no such value
    { name: 'x', listener: { deviceMemoryFailure: 'ignored' } },
    // @ts-expect-error a page size is a bigint
    { name: 'x', listener: { alignment: () => 4096 } },
    // @ts-expect-error there is no such part
    { name: 'x', listenr: {} },
  ];
  expect(definitions).toHaveLength(4);
});

it("a change that asks for the base's rules can neither throw through nor change them", () => {
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

describe('the rules of a patch', () => {
  const alignmentOf = (alignment: unknown) =>
    definePatch({ name: 'bad', listener: { alignment } as object }).applyTo(base).listener.alignment;

  it.each([
    [() => 3n, 'listener.alignment answers 3n; expected a page size in bytes, a bigint and a power of two'],
    [
      () => 4096,
      'listener.alignment answers 4096; expected a page size in bytes, a bigint and a power of two',
    ],
    [async () => 4096n, /answers a promise; expected a page size/],
    [() => Promise.reject(new Error('late')), /answers a promise; expected a page size/],
    [() => undefined, /answers undefined; expected/],
    [() => [], /answers an array; expected/],
    [() => ({ a: 1 }), /answers an object with a; expected/],
    [() => null, /answers null; expected/],
    [() => () => 1n, /answers a function; expected/],
    [
      () => {
        throw new TypeError('no such thing');
      },
      'listener.alignment throws TypeError: no such thing',
    ],
  ])('may not misbehave: %s', (rule, message) => {
    expect(() => alignmentOf(rule)(pages)).toThrow(PatchFault);
    expect(() => alignmentOf(rule)(pages)).toThrow(message);
  });

  it('may not be asked without end', () => {
    const watch = new RuleWatch();
    const { alignment } = definePatch({ name: 'busy', listener: { alignment: () => 4096n } }).applyTo(
      base,
      watch,
    ).listener;
    const ask = () => {
      for (let count = 0; count < 1_000_001; count++) alignment(pages);
    };
    expect(ask).toThrow('listener.alignment is asked without end: 1000000 questions in one run');
    watch.start();
    expect(alignment(pages)).toBe(4096n);
  });
});
