/**
 * The rules of the schemas of JUnit XML that Ant, Jenkins and GitLab share, restated: element names and their order,
 * required attributes and their types, and that counts agree with what is counted.
 */

/** An element of parsed XML. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#10': '\n',
};

const decode = (text: string): string =>
  text.replaceAll(/&([^;\s]*);?/g, (whole, name: string) => {
    const character = ENTITIES[name];
    if (character === undefined || !whole.endsWith(';')) throw new Error(`not an entity: ${whole}`);
    return character;
  });

/** Reads XML without comments, CDATA and namespaces. @throws Error for text that is not well-formed. */
export function parseXml(xml: string): Element {
  // XML 1.0 has none of these, not even as an entity.
  // oxlint-disable-next-line no-control-regex -- this pattern finds control characters
  if (/[\0-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(xml))
    throw new Error('a character that XML lacks');
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (!xml.startsWith(declaration)) throw new Error('no declaration');
  const stack: { name: string; attributes: Record<string, string>; children: Element[]; text: string }[] = [
    { name: '', attributes: {}, children: [], text: '' },
  ];
  const token = /<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|(<)/gy;
  for (const match of xml.slice(declaration.length).matchAll(token)) {
    const [, closes, name, attributes = '', isEmpty, text, stray] = match;
    const top = stack.at(-1)!;
    if (stray !== undefined) throw new Error(`a stray < in ${top.name}`);
    if (text !== undefined) {
      top.text += decode(text);
      continue;
    }
    if (closes) {
      if (top.name !== name) throw new Error(`${name} closes ${top.name}`);
      stack.pop();
      stack.at(-1)!.children.push(top);
      continue;
    }
    const pairs = [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [
      key!,
      decode(value!),
    ]);
    const element = {
      name: name!,
      attributes: Object.fromEntries(pairs) as Record<string, string>,
      children: [],
      text: '',
    };
    if (isEmpty) top.children.push(element);
    else stack.push(element);
  }
  const [root] = stack;
  if (stack.length !== 1 || root!.children.length !== 1) throw new Error('not one root element');
  return root!.children[0]!;
}

const COUNT = /^\d+$/;
const SECONDS = /^\d+(?:\.\d+)?$/;
const ANY = /^[^]*$/;
const NOT_EMPTY = /^[^]+$/;

/** The attributes of each element: each must be there and have the form; others are not allowed. */
const ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  testsuites: { name: NOT_EMPTY, tests: COUNT, failures: COUNT, errors: COUNT, time: SECONDS },
  testsuite: {
    name: NOT_EMPTY,
    id: COUNT,
    package: NOT_EMPTY,
    hostname: NOT_EMPTY,
    timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
    tests: COUNT,
    failures: COUNT,
    errors: COUNT,
    skipped: COUNT,
    time: SECONDS,
  },
  properties: {},
  property: { name: NOT_EMPTY, value: ANY },
  testcase: { name: NOT_EMPTY, classname: NOT_EMPTY, time: SECONDS },
  failure: { message: ANY, type: NOT_EMPTY },
  error: { message: ANY, type: NOT_EMPTY },
  skipped: {},
  'system-out': {},
  'system-err': {},
};

/** What an element holds, in order, as a regular expression over the names of its children. */
const CONTENTS: Readonly<Record<string, RegExp>> = {
  testsuites: /^(?:testsuite )*$/,
  testsuite: /^properties (?:testcase )*system-out system-err $/,
  properties: /^(?:property )*$/,
  // One result at most: the schema of Ant allows no second.
  testcase: /^(?:(?:failure|error|skipped) )?$/,
};

/** What is wrong with a report, a line a problem. */
export function junitProblems(root: Element): readonly string[] {
  if (root.name !== 'testsuites') return ['the root is not testsuites'];
  return [...problemsIn(root), ...countProblems(root)];
}

function problemsIn({ name, attributes, children }: Element): readonly string[] {
  const rules = ATTRIBUTES[name];
  if (rules === undefined) return [`unknown element ${name}`];
  const order = children.map((child) => `${child.name} `).join('');
  return [
    ...Object.entries(rules)
      .filter(([key, form]) => !form.test(attributes[key] ?? '\0') || attributes[key] === undefined)
      .map(([key]) => `${name} has no ${key} of the right form`),
    ...Object.keys(attributes)
      .filter((key) => rules[key] === undefined)
      .map((key) => `${name} has the unknown attribute ${key}`),
    ...((CONTENTS[name] ?? /^$/).test(order) ? [] : [`${name} holds ${order}`]),
    ...children.flatMap(problemsIn),
  ];
}

function countProblems(root: Element): readonly string[] {
  const suites = root.children;
  return [root, ...suites].flatMap((element) => {
    const cases = element === root ? suites.flatMap(casesIn) : casesIn(element);
    const number = (kind: string): number =>
      cases.filter(({ children }) => children.some(({ name }) => name === kind)).length;
    const expected = { tests: cases.length, failures: number('failure'), errors: number('error') };
    return Object.entries(expected)
      .filter(([key, count]) => element.attributes[key] !== String(count))
      .map(([key, count]) => `${element.name} counts ${element.attributes[key]} ${key}, and has ${count}`);
  });
}

const casesIn = ({ children }: Element): readonly Element[] =>
  children.filter(({ name }) => name === 'testcase');
