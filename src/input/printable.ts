/**
 * Characters that command a terminal or change the order in which text is shown: control characters (C0, DEL, C1), line
 * and paragraph separators, and the marks, embeddings, overrides and isolates of text that runs both ways (UAX #9).
 */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- this pattern finds control characters
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text that can neither command a terminal nor show its characters in another order: such characters are spelt out. */
export const printable = (text: string): string =>
  text.replaceAll(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
