/** A function of a C file. */
export interface CFunction {
  readonly name: string;
  /** The numbers of its first line, that of its return type, and of its last one. */
  readonly start: number;
  readonly end: number;
}

/** What no function is called: a parenthesis in front of a brace may also belong to an attribute. */
const NO_FUNCTION = /^(?:__attribute__|if|while|for|switch|sizeof|struct|union|enum)$/;

/**
 * The functions that a C file defines, in their order. The text is not preprocessed: both branches of an `#ifdef` are
 * seen, and a function that a macro makes is not.
 */
export function cFunctions(text: string): readonly CFunction[] {
  const code = withoutWords(text);
  const functions: CFunction[] = [];
  let depth = 0;
  /** Where the text outside of braces begins that may be the head of a function. */
  let head = 0;
  let open: { readonly name: string; readonly start: number } | undefined;
  let line = 1;
  for (let at = 0; at < code.length; at++) {
    const character = code[at];
    if (character === '\n') line++;
    else if (character === ';' && depth === 0) head = at + 1;
    else if (character === '{') {
      if (depth++ === 0) open = headOf(code, head, at, line);
    } else if (character === '}' && depth > 0) {
      // In the first column a brace ends what began there, also where the branches of an `#if` open more than one.
      depth = code[at - 1] === '\n' ? 0 : depth - 1;
      if (depth > 0) continue;
      if (open !== undefined) functions.push({ ...open, end: line });
      open = undefined;
      head = at + 1;
    }
  }
  return functions;
}

/** The name of the function whose body begins at `brace`, if a function begins there. */
function headOf(code: string, head: number, brace: number, line: number) {
  const text = code.slice(head, brace);
  const trimmed = text.trimEnd();
  if (!trimmed.endsWith(')')) return undefined;
  let depth = 0;
  let open = trimmed.length - 1;
  for (; open >= 0; open--) {
    if (trimmed[open] === ')') depth++;
    else if (trimmed[open] === '(' && --depth === 0) break;
  }
  const name = /([A-Za-z_]\w*)\s*$/.exec(trimmed.slice(0, open))?.[1];
  if (name === undefined || NO_FUNCTION.test(name)) return undefined;
  // A macro such as `DECLARE_TYPE(X)` in front of the function has no semicolon: an empty line separates the two.
  const own = text.slice(text.slice(0, open).lastIndexOf('\n\n') + 1).trimStart();
  return { name, start: line - (own.split('\n').length - 1) };
}

/** The same text with blanks in place of comments, strings, and lines of the preprocessor: they hold no braces. */
function withoutWords(text: string): string {
  const blank = (found: string): string => found.replaceAll(/[^\n]/g, ' ');
  return text
    .replaceAll('\r', ' ')
    .replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'/g, blank)
    .replaceAll(/^[ \t]*#(?:[^\n]*\\\n)*[^\n]*/gm, blank);
}
