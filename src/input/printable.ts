// oxlint-disable-next-line no-control-regex -- the expression is to match control characters
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/g;

/** The text with control characters written as `\u001b`, so that it cannot send commands to a terminal. */
export const printable = (text: string): string =>
  text.replaceAll(
    CONTROL_CHARACTERS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
