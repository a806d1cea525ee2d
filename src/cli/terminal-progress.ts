import type { WriteStream } from 'node:tty';

const ERASE_LINE = '\r\u001B[2K';
/** How many milliseconds pass between two lines where no terminal shows them, if the command says nothing else. */
const NOW_AND_THEN_MS = 30_000;
/** The same while QEMUs are built: a reader of a log waits for minutes. */
export const BUILD_PAUSE_MS = 10_000;
/** A rate of a shorter time says nothing. */
const LEAST_TIME_MS = 1000;

/** Shows what a long command does. */
export interface Progress {
  /**
   * Shows a line in place of the one before; an empty line clears it. A line with `500 of 20000`, at its start or
   * behind a dot, gets the rate and the time left.
   */
  (line: string): void;
  /** Shows a line that stays, where a terminal shows it: such as a finding when it is found. */
  readonly keep: (line: string) => void;
}

/**
 * Writes progress as one line of a terminal. Elsewhere, such as in the log of a CI, a line is written now and then.
 *
 * @param now gives the time in milliseconds.
 * @param pause how many milliseconds pass between two lines where no terminal shows them.
 */
export function terminalProgress(
  stream: WriteStream,
  now: () => number = Date.now,
  pause = NOW_AND_THEN_MS,
): Progress {
  const rate = new Rate(now);
  if (!stream.isTTY) {
    let last = now();
    const sometimes = (line: string): void => {
      const text = rate.add(line);
      if (line === '' || now() - last < pause) return;
      last = now();
      stream.write(`${text}\n`);
    };
    return Object.assign(sometimes, { keep: () => undefined });
  }
  let shown = '';
  const show = (text: string): void => {
    shown = text;
    // A terminal of unknown width has 0 columns.
    const width = stream.columns > 1 ? stream.columns - 1 : text.length;
    stream.write(`${ERASE_LINE}${text.slice(0, width)}`);
  };
  return Object.assign((line: string) => show(rate.add(line)), {
    keep: (line: string) => {
      const current = shown;
      stream.write(`${ERASE_LINE}${line}\n`);
      show(current);
    },
  });
}

/** Adds how fast the work goes, and how long it takes yet. */
class Rate {
  readonly #now: () => number;
  #begin: { readonly time: number; readonly done: number } | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(line: string): string {
    const [whole, doneText, ofText] = /(?:^|· )(\d+) of (\d+)/.exec(line) ?? [];
    if (whole === undefined) return line;
    const [done, of] = [Number(doneText), Number(ofText)];
    this.#begin ??= { time: this.#now(), done };
    const { time, done: before } = this.#begin;
    const elapsed = this.#now() - time;
    if (elapsed < LEAST_TIME_MS || done <= before) return line;
    const perSecond = (1000 * (done - before)) / elapsed;
    return `${line}, ${rateText(perSecond)}, ${timeText((of - done) / perSecond)} left`;
  }
}

const rateText = (perSecond: number): string =>
  perSecond >= 10 ? `${Math.round(perSecond)}/s` : `${perSecond.toFixed(1)}/s`;

/** `40 s`, `3 min`, `2.5 h`. */
function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
