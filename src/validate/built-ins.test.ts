import { describe, expect, it } from 'vitest';
import { BuiltIns } from './built-ins.ts';

const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

describe('BuiltIns.restore', () => {
  it.each<[string, object, PropertyKey]>([
    ['JSON.stringify', JSON, 'stringify'],
    ['Array.prototype.map', Array.prototype, 'map'],
    ['Object.keys', Object, 'keys'],
    ['Function.prototype.call', Function.prototype, 'call'],
    ['Promise.prototype.then', Promise.prototype, 'then'],
    ['Map.prototype.get', Map.prototype, 'get'],
    ['Array.prototype[Symbol.iterator]', Array.prototype, Symbol.iterator],
    ['ArrayIterator.prototype.next', Object.getPrototypeOf([].values()) as object, 'next'],
    ['BigInt.prototype.toString', BigInt.prototype, 'toString'],
    ['setImmediate', globalThis, 'setImmediate'],
    ['Promise', globalThis, 'Promise'],
    ['AsyncFunction.prototype[Symbol.toStringTag]', AsyncFunction.prototype as object, Symbol.toStringTag],
  ])('puts %s back and names it', (name, object, key) => {
    const builtIns = new BuiltIns();
    const before = Object.getOwnPropertyDescriptor(object, key)!;
    Object.defineProperty(object, key, { value: () => undefined, configurable: true });
    const changed = builtIns.restore();
    const after = Object.getOwnPropertyDescriptor(object, key);
    Object.defineProperty(object, key, before);
    expect(changed).toBe(name);
    expect(after).toEqual(before);
    expect(builtIns.restore()).toBeUndefined();
  });

  it('puts back a removed one, and one that a getter has replaced', () => {
    const builtIns = new BuiltIns();
    const { max } = Math;
    Reflect.deleteProperty(Math, 'max');
    expect(builtIns.restore()).toBe('Math.max');
    expect(Math.max).toBe(max);
    Object.defineProperty(Number, 'isInteger', { get: () => undefined, configurable: true });
    expect(builtIns.restore()).toBe('Number.isInteger');
    expect(Number.isInteger(1)).toBe(true);
  });

  it('puts back all of many, and names the first', () => {
    const builtIns = new BuiltIns();
    const { keys } = Object;
    Object.keys = () => [];
    // oxlint-disable-next-line no-extend-native -- such a change is what is found
    Array.prototype.map = () => [];
    Reflect.deleteProperty(globalThis, 'JSON');
    expect(builtIns.restore()).toBe('JSON');
    expect(Object.keys).toBe(keys);
    expect([1].map(String)).toEqual(['1']);
    expect(JSON.stringify(1)).toBe('1');
  });

  it.each<[string, object, PropertyKey]>([
    ['Object.prototype.kind', Object.prototype, 'kind'],
    ['Object.prototype.7', Object.prototype, 7],
    ['Object.prototype[mark]', Object.prototype, Symbol('mark')],
    ['Array.prototype.kind', Array.prototype, 'kind'],
    ['Array.prototype.0', Array.prototype, 0],
    ['Array.prototype[mark]', Array.prototype, Symbol('mark')],
  ])('takes away %s, which was added where all others inherit, and nothing else', (name, object, key) => {
    const builtIns = new BuiltIns();
    const before = Reflect.ownKeys(object);
    Object.defineProperty(object, key, { value: 'answer', configurable: true });
    const changed = builtIns.restore();
    expect(changed).toBe(name);
    expect(Reflect.ownKeys(object)).toEqual(before);
    expect(builtIns.restore()).toBeUndefined();
  });

  it('names none where a library adds a method, matches text, or replaces what no verdict rests on', () => {
    const builtIns = new BuiltIns();
    const { log } = console;
    // oxlint-disable-next-line no-extend-native -- such an addition is allowed
    Object.defineProperty(Map.prototype, 'emplace', { value: () => undefined, configurable: true });
    console.log = () => undefined;
    Error.stackTraceLimit++;
    /a(.)/.exec('ab');
    const changed = builtIns.restore();
    console.log = log;
    Error.stackTraceLimit--;
    Reflect.deleteProperty(Map.prototype, 'emplace');
    expect(changed).toBeUndefined();
  });
});
