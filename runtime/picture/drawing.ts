// A panel that knows its size and can be painted: the common form of all kinds of panel, so that the layout need not know them.

import type { Margins } from './axes.ts';
import type { Canvas, Rect } from './canvas.ts';

export interface Drawing {
  /** Size of the frame that holds the data, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Room around the frame for ticks, labels, colour bar and legend. */
  readonly margins: Margins;
  /** Paints the panel with its frame at the given place. */
  readonly paint: (canvas: Canvas, frame: Rect) => void;
}
