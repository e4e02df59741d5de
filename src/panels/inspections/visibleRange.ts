/** Which part of a list of items of known heights is to be drawn, and the space that stands for the rest. */
export interface VisibleRange {
  /** First item drawn. */
  start: number;
  /** First item after it that is not drawn. */
  end: number;
  /** Pixels. */
  before: number;
  after: number;
}

/** Draws what is in view, and `margin` pixels beyond it so that the focus can move on. */
export function visibleRange(heights: number[], scrollTop: number, viewport: number, margin: number): VisibleRange {
  const range = { start: 0, end: 0, before: 0, after: 0 };
  let top = 0;
  heights.forEach((height, index) => {
    if (top + height <= scrollTop - margin) {
      range.start = index + 1;
      range.before = top + height;
    } else if (top < scrollTop + viewport + margin) {
      range.end = index + 1;
    } else {
      range.after += height;
    }
    top += height;
  });
  return { ...range, end: Math.max(range.start, range.end) };
}
