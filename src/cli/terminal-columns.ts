/** The width of the terminal that shows the output, in characters; `undefined` where none shows it. */
export const terminalColumns = (): number | undefined =>
  process.stdout.isTTY && process.stdout.columns > 1 ? process.stdout.columns : undefined;
