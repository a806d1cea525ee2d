/**
 * The built-in functions of JavaScript, on which barproof's own judgement rests. A program of the user that replaces
 * `JSON.stringify` or `Array.prototype.map` in the thread of its judge could make any verdict, or none.
 */

/**
 * The names of the built-ins that ECMA-262 defines, and of the functions of Node that the search waits by. Left out are those
 * of which no verdict is made: `eval` and the functions of URIs, `escape` and `unescape`, the stacks of disposables, `Intl`
 * (ECMA-402), `WebAssembly`, and all else that is Node's, such as `console`, `process` and `URL`. The constants `NaN`,
 * `Infinity` and `undefined` cannot be replaced.
 */
const NAMES = [
  ...['globalThis', 'Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'BigInt', 'Symbol', 'Date'],
  ...['RegExp', 'Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError'],
  ...['TypeError', 'URIError', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry'],
  ...[
    'Promise',
    'Proxy',
    'Reflect',
    'JSON',
    'Math',
    'Atomics',
    'ArrayBuffer',
    'SharedArrayBuffer',
    'DataView',
  ],
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array'],
  ...[
    'Uint32Array',
    'Float16Array',
    'Float32Array',
    'Float64Array',
    'BigInt64Array',
    'BigUint64Array',
    'Iterator',
  ],
  ...['parseInt', 'parseFloat', 'isNaN', 'isFinite', 'structuredClone', 'queueMicrotask'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
];

/** Iterators and generators have no global name. */
const NAMELESS: readonly (readonly [string, unknown])[] = [
  ['ArrayIterator.prototype', Object.getPrototypeOf([][Symbol.iterator]())],
  ['MapIterator.prototype', Object.getPrototypeOf(new Map()[Symbol.iterator]())],
  ['SetIterator.prototype', Object.getPrototypeOf(new Set()[Symbol.iterator]())],
  ['StringIterator.prototype', Object.getPrototypeOf(''[Symbol.iterator]())],
  ['RegExpStringIterator.prototype', Object.getPrototypeOf(''.matchAll(/a/g))],
  ['GeneratorFunction', function* () {}.constructor],
  ['AsyncFunction', (async () => {}).constructor],
  ['AsyncGeneratorFunction', async function* () {}.constructor],
];

/** How stacks of errors are made. Libraries change it, and no verdict rests on it. */
const OF_STACKS: ReadonlySet<PropertyKey> = new Set(['stackTraceLimit', 'prepareStackTrace']);

/** An object of JavaScript itself, and its own properties as they were. */
interface KnownObject {
  /** `Array.prototype` */
  readonly name: string;
  readonly object: object;
  readonly prototype: object | null;
  readonly properties: readonly KnownProperty[];
}

interface KnownProperty {
  readonly key: PropertyKey;
  readonly before: PropertyDescriptor;
}

// A program of the user may replace the very functions by which its changes are found.
const { defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } =
  Reflect;
const { is } = Object;
const text = String;

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

const nameOf = (parent: string, key: PropertyKey): string => {
  if (typeof key === 'symbol') return `${parent}[${text(key.description)}]`;
  return parent === '' ? text(key) : `${parent}.${text(key)}`;
};

/** What the built-ins were when they were recorded. */
export class BuiltIns {
  readonly #objects: readonly KnownObject[];
  /** The values of the global names. */
  readonly #globals: readonly KnownProperty[];

  /** Records the built-ins as they are. */
  constructor() {
    const globals = NAMES.flatMap((key): KnownProperty[] => {
      const before = getOwnPropertyDescriptor(globalThis, key);
      return before === undefined ? [] : [{ key, before }];
    });
    const found = new Map<object, KnownObject>();
    const add = (name: string, object: unknown): void => {
      // What belongs to `globalThis` is Node's as well, and may be replaced.
      if (!isObject(object) || object === globalThis || found.has(object)) return;
      const properties = ownKeys(object)
        .filter((key) => object !== Error || !OF_STACKS.has(key))
        .map((key) => ({ key, before: getOwnPropertyDescriptor(object, key)! }));
      found.set(object, { name, object, prototype: getPrototypeOf(object), properties });
    };
    for (const { key, before } of globals) add(nameOf('', key), before.value);
    for (const [name, value] of NAMELESS) add(name, value);
    // A Map goes on with what is added meanwhile. Prototypes come last: most have a better name as a property.
    for (const { name, properties } of found.values())
      for (const { key, before } of properties) add(nameOf(name, key), before.value);
    for (const { name, prototype } of found.values()) add(`the prototype of ${name}`, prototype);
    for (const { name, properties } of found.values())
      for (const { key, before } of properties) add(nameOf(name, key), before.value);
    this.#globals = globals;
    this.#objects = [...found.values()];
  }

  /**
   * Puts back what has been replaced or removed, and takes away what has been added to `Object.prototype` and
   * `Array.prototype`. Works without any method of a built-in.
   *
   * @returns the first built-in that was changed, such as `JSON.stringify`.
   */
  restore(): string | undefined {
    let first: string | undefined;
    for (let index = 0; index < this.#globals.length; index++) {
      const changed = restoreProperty(globalThis, '', this.#globals[index]!);
      first ??= changed;
    }
    for (let index = 0; index < this.#objects.length; index++) {
      const changed = restoreObject(this.#objects[index]!);
      first ??= changed;
    }
    return first;
  }
}

/** @returns the first property that was changed. */
function restoreObject({ name, object, prototype, properties }: KnownObject): string | undefined {
  let first: string | undefined;
  // Every object inherits from these two. Elsewhere a new method is a harmless addition of a library.
  if (object === Object.prototype || object === Array.prototype) {
    const keys = ownKeys(object);
    // An integer key lengthens Array.prototype, and goes before its length is put back.
    // Integers come first among the keys of an object, and symbols last: an addition may be anywhere.
    for (let index = 0; index < keys.length; index++) {
      if (hasKey(properties, keys[index]!)) continue;
      first ??= nameOf(name, keys[index]!);
      deleteProperty(object, keys[index]!);
    }
  }
  // V8 keeps the last match of a regular expression in RegExp itself.
  const count = object === RegExp ? 0 : properties.length;
  for (let index = 0; index < count; index++) {
    const changed = restoreProperty(object, name, properties[index]!);
    first ??= changed;
  }
  if (getPrototypeOf(object) !== prototype) {
    setPrototypeOf(object, prototype);
    first ??= `the prototype of ${name}`;
  }
  return first;
}

/** Works without any method of a built-in. */
function hasKey(properties: readonly KnownProperty[], key: PropertyKey): boolean {
  for (let index = 0; index < properties.length; index++) if (properties[index]!.key === key) return true;
  return false;
}

/** @returns the name of the property if it was changed. */
function restoreProperty(object: object, parent: string, { key, before }: KnownProperty): string | undefined {
  const now = getOwnPropertyDescriptor(object, key);
  if (now !== undefined && is(now.value, before.value) && now.get === before.get && now.set === before.set)
    return undefined;
  defineProperty(object, key, before);
  return nameOf(parent, key);
}
