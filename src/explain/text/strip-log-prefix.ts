const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';

/** What log daemons, `dmesg` and CI systems put in front of a line. */
const PREFIXES: readonly RegExp[] = [
  // dmesg -x and syslog priorities
  /^(?:kern|user|daemon|syslog)\s*:(?:emerg|alert|crit|err|warn|notice|info|debug)\s*:\s?/,
  /^<\d{1,3}>\s?/,
  // journald and syslog: `Nov 12 10:11:12 host program[123]: `, the ISO forms of both, and weekdays
  new RegExp(
    `^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?${MONTH} [ \\d]?\\d (?:\\d{4} )?\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d+)? (?:[\\w.-]+ )?[\\w./@:-]+(?:\\[\\d+\\])?: `,
  ),
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)? [\w.-]+ [\w./@:-]+(?:\[\d+\])?: /,
  // the time of dmesg, with or without the number of the thread
  /^\[\s*\d+\.\d{3,}\](?:\[\s*[TC]?\d+\])?\s?/,
  // dmesg -T
  /^\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [^\]]{15,30}\]\s?/,
  // the runtime of a container, and docker compose
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d) std(?:out|err) [FP] /,
  /^[a-z][\w.-]{1,40} +\| /i,
  // a time alone; an address of a PCI device has no third pair
  /^\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? (?:[|-] )?/,
  // the time of a CI system in front of the output of a program
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6,7}Z (?!qemu|\d+: )/,
];

/** A line without the prefixes of logs. A line has at most three of them. */
export function stripLogPrefix(line: string): string {
  const first = line.charCodeAt(0);
  // All prefixes begin with a letter, a digit, `[` or `<`; most lines of a dump are indented.
  if (first === 0x20 || first === 0x09 || Number.isNaN(first)) return line;
  let text = line;
  for (let round = 0; round < 3; round++) {
    const prefix = PREFIXES.find((pattern) => pattern.test(text));
    if (prefix === undefined) return text;
    text = text.replace(prefix, '');
  }
  return text;
}
