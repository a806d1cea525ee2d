/** The mark of a quoted line: `> `, `>> `, or with the writer's initials `JD> `. */
const QUOTE = /^(?:[ \t]*(?:[A-Z]{1,3})?>(?!TAbort|SERR)[ ]?)+/;
/** The mark of some trackers, and of text in a table: `| `. */
const BAR = /^[ \t]*[|\u2502\u2503][ ]?/;

/** A line without the marks of mail quotes; the blanks that belong to the quoted text stay. */
export const stripQuotes = (line: string): string => line.replace(QUOTE, '').replace(BAR, '');
