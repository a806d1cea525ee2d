import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, codeIn } from './page.ts';

const FOLDERS = String.raw`(?:src|properties|generators|regressions|\.ci|\.github)`;
const PATH = new RegExp(`^${FOLDERS}/[\\w./+-]*$`);
/** `src/vfio/trim.ts: wholeUnits`; several names are separated by commas. */
const PLACE = new RegExp(
  String.raw`(${FOLDERS}/[\w./-]+\.ts): ((?:[A-Za-z][\w.]*)(?:, [A-Za-z][\w.]*)*)`,
  'g',
);
/** A part of a path that stands for a name of the reader's choice, such as `NAME.ts`. */
const PLACEHOLDER = /\b(?:NAME|ID|INVARIANT|X\.Y)\b/;

/** Files and folders between backticks that do not exist. */
export const missingPaths = (text: string): string[] =>
  codeIn(text)
    .map((code) => code.replace(/: .*$/, ''))
    .filter((code) => PATH.test(code) && !PLACEHOLDER.test(code))
    .filter((code) => !existsSync(join(ROOT, code)));

/** How many functions, classes and constants a page names together with their file. */
export const countPlaces = (text: string): number => [...text.matchAll(PLACE)].length;

/** Functions, classes and constants that their file does not define. */
export const missingNames = (text: string): string[] =>
  [...text.matchAll(PLACE)].flatMap(([, file = '', names = '']) => {
    if (PLACEHOLDER.test(file)) return [];
    if (!existsSync(join(ROOT, file))) return [`${file} does not exist`];
    const source = readFileSync(join(ROOT, file), 'utf8');
    return names
      .split(', ')
      .flatMap((name) => name.split('.'))
      .filter((name) => !defines(source, name))
      .map((name) => `${file} does not define ${name}`);
  });

/** A declaration at the top of the file, or a method or property at the beginning of a line. */
const defines = (source: string, name: string): boolean =>
  new RegExp(
    String.raw`\b(?:function\*?|const|class|interface|type) ${name}\b` +
      String.raw`|^ +(?:(?:async|readonly|static|get) )*${name}\??(?:[(:<]| =)`,
    'm',
  ).test(source);
