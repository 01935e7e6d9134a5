// What a run says, as lines: sentences for people, JSON for programs. In: an event. Out: text without line break, or nothing. Pure.

import { assertNever } from '../../compiler/support/diagnostic.ts';
import { showNumber } from '../../compiler/support/number_text.ts';
import { formatDuration, formatRate } from '../progress.ts';
import type { RunEvent } from './host.ts';
import { logDigits, showNumbers } from './text.ts';

/** A line for people; undefined for events that a person sees otherwise. */
export function eventText(event: RunEvent): string | undefined {
  const number = (x: number): string => showNumber(x, logDigits);
  switch (event.event) {
    case 'start':
      return undefined;
    case 'print':
      return event.text;
    case 'warning':
      return event.text;
    case 'minimize':
      return `minimize ${event.label}: ${event.steps} steps, from ${number(event.start)}`;
    case 'log':
      return `step ${event.step}  ${showNumbers(event.values)}`;
    case 'minimized': {
      const { steps, of, start, end, seconds, objective } = event;
      const made = steps < of ? `stopped after ${steps} of ${of} steps` : `${steps} steps`;
      const rate = seconds > 0 ? `, ${formatRate(steps / seconds)}` : '';
      const best =
        event.best === undefined ? '' : `, kept the best ${event.best.label}, ${number(event.best.value)}`;
      return `${made}: ${objective} ${number(start)} → ${number(end)} in ${formatDuration(seconds)}${rate}${best}`;
    }
    case 'save':
      return `saved ${event.path} (${event.names.join(', ')})`;
    case 'plot':
      return `plotted ${event.path}`;
    case 'checkpoint':
      return `checkpoint ${event.path}`;
    case 'resume':
      return `resumed from ${event.path}`;
    case 'check':
      return `check gradient ${event.label}: ${event.text}`;
    case 'test': {
      const time = `${event.seconds.toFixed(event.seconds < 10 ? 2 : 1)} s`;
      return `${event.ok ? 'ok    ' : 'FAILED'}  ${event.name}  (${time})`;
    }
    case 'end':
      return event.status === 'interrupted' ? 'interrupted' : undefined;
    default:
      return assertNever(event);
  }
}

/** The same as one line of JSON; NaN and infinities as strings, as in saved .json files. */
export function eventJson(event: RunEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}
