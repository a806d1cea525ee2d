/**
 * A name or text that fits in a column; a mark shows that something is missing.
 *
 * @param width the most characters, with the mark.
 */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  // Characters beyond 0xffff are two units of the text; a half of one shows as a box.
  const kept = text.slice(0, width - 1).replace(/[\ud800-\udbff]$/, '');
  return `${kept.trimEnd()}…`;
}
