/** A changed line of a dump or of an lspci, in a diff that a writer has made by hand. */
const CHANGED = /^[+-]\s*(?:[0-9a-f]{16}-[0-9a-f]{16} \(prio|Region \d: |Capabilities: \[)/i;
const HUNK = /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/;

/** The new side of a diff; other texts stay as they are. A line of the old side becomes empty, so that numbers stay. */
export function stripDiff(lines: readonly string[]): readonly string[] {
  const filled = lines.filter((line) => line.trim() !== '');
  const isDiff = lines.some((line) => HUNK.test(line) || CHANGED.test(line));
  const isAdded = filled.length > 2 && filled.every((line) => line.startsWith('+'));
  if (!isDiff && !isAdded) return lines;
  return lines.map((line) => {
    if (HUNK.test(line) || /^(?:-|\+\+\+ |diff |index )/.test(line)) return '';
    return /^[+ ]/.test(line) ? line.slice(1) : line;
  });
}
