// Progress of what takes long. In: how many steps of how many are done. Out: on a terminal one line that is rewritten, with the
// rate and the time that remains; elsewhere a plain line now and then; nothing with --quiet. Progress goes to standard error,
// so that standard output holds what the program prints. There is no timer: a report is shown when enough time has passed.

export interface ProgressReport {
  /** What runs: `minimize misfit`, `solve heat`. A new label starts anew. */
  readonly label: string;
  readonly done: number;
  /** Absent when the number of steps is not known. */
  readonly total?: number;
  /** Shown behind: the losses, the time reached. */
  readonly note?: string;
}

/** The part of a stream that progress needs; `process.stderr` is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  readonly quiet: boolean;
  /** Seconds since any fixed time; replaced in tests. */
  readonly now?: () => number;
}

export interface Progress {
  /** Says how far it is; cheap, may be called at every step. */
  update(report: ProgressReport): void;
  /** Takes the line off the terminal while something else is written. */
  interrupt(write: () => void): void;
  /** Shows the last report, whatever the time, and ends the line. */
  finish(): void;
}

/** Seconds between two rewritings of the line of a terminal. */
const terminalInterval = 0.1;
/** Seconds until the first plain line, and between two of them. */
const firstPlainLine = 2;
const plainInterval = 10;
/** Seconds over which the rate is averaged. */
const rateWindow = 5;

interface Sample {
  readonly time: number;
  readonly done: number;
}

export function create_progress({ stream, quiet, now = monotonicSeconds }: ProgressOptions): Progress {
  const terminal = stream.isTTY === true;
  let current: ProgressReport | undefined;
  let start = 0;
  let samples: readonly Sample[] = [];
  let nextShown = 0;
  let lineOnTerminal = false;
  let shown: ProgressReport | undefined;

  const show = (report: ProgressReport, time: number): void => {
    const text = formatProgress(report, time - start, rateOf(samples));
    stream.write(terminal ? `\r\u001b[K${shorten(text, (stream.columns ?? 80) - 1)}` : `${text}\n`);
    lineOnTerminal = terminal;
    shown = report;
  };
  const erase = (): void => {
    if (lineOnTerminal) stream.write('\r\u001b[K');
    lineOnTerminal = false;
  };
  const finish = (): void => {
    if (current && shown && shown !== current) show(current, now());
    if (lineOnTerminal) stream.write('\n');
    lineOnTerminal = false;
    current = undefined;
    shown = undefined;
  };

  return {
    update: (report) => {
      if (quiet) return;
      const time = now();
      if (report.label !== current?.label || report.done < current.done) {
        finish();
        start = time;
        samples = [];
        nextShown = time + (terminal ? terminalInterval : firstPlainLine);
      }
      current = report;
      samples = [
        ...samples.filter((sample) => time - sample.time <= rateWindow),
        { time, done: report.done },
      ].slice(-64);
      if (time < nextShown) return;
      nextShown = time + (terminal ? terminalInterval : plainInterval);
      show(report, time);
    },
    interrupt: (write) => {
      const again = lineOnTerminal;
      erase();
      write();
      if (again && current) show(current, now());
    },
    finish,
  };
}

/** Steps a second between the first and the last sample; undefined when that says nothing. */
export function rateOf(samples: readonly Sample[]): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || last.time <= first.time || last.done <= first.done) return undefined;
  return (last.done - first.done) / (last.time - first.time);
}

/** `minimize misfit  120/300  40 %  35.2 steps/s  5.1 s left  misfit 0.0012`. */
export function formatProgress(report: ProgressReport, elapsed: number, rate: number | undefined): string {
  const { label, done, total, note } = report;
  const parts = [label];
  if (total === undefined || total <= 0) {
    parts.push(`${done} steps`);
  } else {
    parts.push(`${done}/${total}`, `${Math.floor((100 * Math.min(done, total)) / total)} %`);
  }
  if (rate !== undefined) parts.push(formatRate(rate));
  if (total !== undefined && done >= total) parts.push(`${formatDuration(elapsed)} in all`);
  else if (total !== undefined && rate !== undefined)
    parts.push(`${formatDuration((total - done) / rate)} left`);
  if (note) parts.push(note);
  return parts.join('  ');
}

/** `0.25 steps/s`, `35.2 steps/s`, `12,300 steps/s`: three digits. */
export function formatRate(rate: number): string {
  const digits = Number(rate.toPrecision(3));
  // Not toLocaleString: its first use loads tables for 20 ms.
  const text =
    digits >= 1e9 ? digits.toExponential(2) : String(digits).replace(/^\d+/, (whole) => grouped(whole));
  return `${text} steps/s`;
}

/** 12345 as 12,345. */
function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: two units at most. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'forever';
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const units = [
    { name: 'd', size: 86_400 },
    { name: 'h', size: 3600 },
    { name: 'min', size: 60 },
    { name: 's', size: 1 },
  ];
  const first = units.findIndex(({ size }) => whole >= size);
  const [large, small] = units.slice(first, first + 2);
  if (!large || !small) return `${whole} s`;
  const rest = Math.floor((whole % large.size) / small.size);
  return `${Math.floor(whole / large.size)} ${large.name}${rest > 0 ? ` ${rest} ${small.name}` : ''}`;
}

/** The text, or as much of it as fits into a line. */
export function shorten(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

function monotonicSeconds(): number {
  return performance.now() / 1000;
}
