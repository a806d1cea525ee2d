#!/usr/bin/env node
import { runInNet, tellErrorsBy } from './last-net.ts';

// A reader such as `head` may close the pipe early: then barproof ends without an error message. The exit code is
// not that of a verdict, for the reader has not seen the whole report.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => process.exit(2));
}

await runInNet(async () => {
  const { unexpectedErrorText } = await import('./unexpected-error.ts');
  tellErrorsBy(unexpectedErrorText);
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(process.argv.slice(2));
});
