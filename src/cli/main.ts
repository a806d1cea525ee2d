#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { ExitCode } from './exit-code.ts';
import { spreadLastNet } from './last-net.ts';

const finish = spreadLastNet();

// A reader such as `head` may close the pipe early: then barproof ends without an error message. The exit code is
// not that of a verdict, for the reader has not seen the whole report.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => process.exit(ExitCode.COULD_NOT_RUN));
}

finish(await runCommandLine(process.argv.slice(2)));
