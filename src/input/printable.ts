// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/g;

/** Text in which nothing can command a terminal: control characters are spelt out. */
export const printable = (text: string): string =>
  text.replaceAll(
    CONTROL_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
