import { Command, Option } from 'commander';
import { InvalidInput, printable, readTextFile } from '../input/index.ts';
import { Comparison, readSession, readSessions, sessionToJson } from '../linux/index.ts';
import type { HostTarget, ReadSession } from '../linux/index.ts';
import { comparisonText, comparisonToJson } from '../report/host-comparison-text.ts';
import { sessionText } from '../report/host-session-text.ts';
import { complain } from './complain.ts';
import { examples } from './examples.ts';
import { ExitCode, type Conclude } from './exit-code.ts';
import { openHost, type HostOptions } from './open-host.ts';
import { standardInput, writeOut } from './standard-streams.ts';

interface HostCommandOptions extends HostOptions {
  readonly json?: true;
  readonly compare?: true;
}

/** `barproof host`: answers sessions of VFIO, iommufd and KVM calls. */
export const hostCommand = (conclude: Conclude): Command =>
  new Command('host')
    .description('answer sessions of VFIO, iommufd and KVM calls: return value, errno and size of each call')
    .addHelpText(
      'before',
      examples([
        ['barproof host calls.ndjson', 'what the model of the Linux host answers'],
        ['barproof host calls.ndjson --target linux', 'what a real kernel answers, booted in QEMU'],
        ['barproof host recorded.ndjson --compare', 'where the answers differ from the recorded ones'],
      ]),
    )
    .argument('<file>', 'a file with one session a line; - reads sessions from standard input')
    .addOption(new Option('--target <name>', 'what answers').choices(['model', 'linux']).default('model'))
    .option('--kernel <version>', 'the kernel to ask instead of the one that the session names')
    .option('--qemu <path>', 'a QEMU binary, or the folder of several; else BARPROOF_QEMU, else PATH')
    .option('--json', 'one line of JSON for each session: the session with its answers')
    .option('--compare', 'compare the answers with those in the sessions, and report')
    .action(async (file: string, options: HostCommandOptions) => {
      const target = openHost(options);
      const comparison = options.compare ? new Comparison() : undefined;
      try {
        for await (const one of sessionsFrom(file)) {
          const line = await answerOne(one, { target, comparison, options, conclude });
          if (line !== '') await writeOut(line);
        }
      } finally {
        await target.close();
      }
      if (comparison === undefined) return;
      const report = options.json
        ? `${JSON.stringify(comparisonToJson(comparison))}\n`
        : comparisonText(comparison);
      await writeOut(report);
      if (comparison.classes.length > 0) conclude(ExitCode.COUNTEREXAMPLE);
    });

async function* sessionsFrom(file: string): AsyncGenerator<ReadSession> {
  if (file !== '-') {
    for (const one of readSessions(readTextFile(file))) yield one;
    return;
  }
  let line = 0;
  for await (const text of standardInput()) {
    line++;
    if (text.trim() !== '') yield readSession(text, line);
  }
}

interface Answering {
  readonly target: HostTarget;
  readonly comparison: Comparison | undefined;
  readonly options: HostCommandOptions;
  readonly conclude: Conclude;
}

/** What to print for a session: its answers, or what is wrong with it in its place. */
async function answerOne(
  { line, session }: ReadSession,
  { target, comparison, options, conclude }: Answering,
): Promise<string> {
  try {
    if (session instanceof InvalidInput) throw session;
    const answered = await target.answer(session);
    if (comparison !== undefined) {
      comparison.add(session, answered.answers);
      return '';
    }
    const { console = [] } = answered;
    if (!options.json) {
      const text = sessionText(answered.session, answered.answers, target.name);
      return [text, ...console.map((line) => `  | ${printable(line)}\n`)].join('');
    }
    const json = sessionToJson(answered.session, answered.answers);
    return `${JSON.stringify(console.length === 0 ? json : { ...json, console })}\n`;
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    conclude(ExitCode.COULD_NOT_RUN);
    complain(error.within(`line ${line}`));
    return options.json && comparison === undefined
      ? `${JSON.stringify({ problems: error.problems })}\n`
      : '';
  }
}
