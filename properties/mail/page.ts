import type { MailVerdict } from './mailed-series.ts';

/** The page `regressions/mail/README.md`. @param sentences what people say of a verdict, by Message-Id. */
export const mailPage = (
  verdicts: readonly MailVerdict[],
  sentences: Readonly<Record<string, string>>,
): string => `# Mailed series, judged

Series that were sent to qemu-devel and touch \`hw/vfio\`, the memory core or MSI-X, each built on the commit that it was
sent for, and judged against it (\`barproof validate BASE..SERIES --qemu-tree\`, x86 machines, both interfaces). None of
their code is here. ${summaryOf(verdicts)}

"Functions" are those that the series changes: how many the cases ran, of how many that the built QEMU holds, of how many
in all. A series whose code no case runs has no verdict. What was looked at by hand has a sentence below its verdict.

| sent | series | base | functions | verdict |
|---|---|---|---|---|
${verdicts.map((verdict) => rowOf(verdict, sentences[verdict.messageId])).join('\n')}

## Judge a list

A line of a list is a Message-Id, a date and a subject, with \`|\` between them. The tree has a branch for each series, with
the Message-Id as its name, and a branch \`master\`. A series takes about five minutes of one core, or one where ccache has
seen a near base. A second run goes on where the first was ended.

\`\`\`sh
export BARPROOF_MAIL=series.txt BARPROOF_QEMU_TREE=~/qemu-ci
npm test -- properties/mail/judge-series.test.ts
npm test -- properties/mail-table.test.ts --update
\`\`\`
`;

function summaryOf(verdicts: readonly MailVerdict[]): string {
  const judged = verdicts.filter(({ result }) => result === 'judged');
  const breaking = judged.filter(({ breaks = [] }) => breaks.length > 0);
  const unreached = judged.filter(({ functions }) => functions!.run === 0);
  return (
    `Of ${verdicts.length} series ${judged.length} were built and run: ${breaking.length} ${breaking.length === 1 ? 'breaks' : 'break'} something, ` +
    `and of ${unreached.length} no case runs a changed function.`
  );
}

function rowOf(
  { messageId, date, subject, base, result, verdict, functions }: MailVerdict,
  sentence: string | undefined,
): string {
  const counts =
    functions === undefined ? '' : `${functions.run} of ${functions.compiled} of ${functions.changed}`;
  const words = result === 'judged' ? verdict! : `no verdict: ${result}`;
  const cells = [
    date,
    `${subject}<br>\`${messageId}\``,
    `\`${base}\``,
    counts,
    sentence === undefined ? words : `${words}<br>*${sentence}*`,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}
