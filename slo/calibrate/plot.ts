// Small charts as shapes with coordinates: the report writes them as SVG text, the workbench draws them with React. No I/O.

export interface Chart {
  /** What it shows, for people who cannot see it. */
  label: string;
  x: Axis;
  y: Axis;
  bands?: Band[];
  lines: Line[];
  /** Horizontal lines. */
  limits?: Array<{ at: number; label: string }>;
}

export interface Axis {
  title: string;
  /** burn is logarithmic from 1 on and holds 0, too. */
  scale: 'time' | 'linear' | 'log' | 'burn';
  from: number;
  to: number;
  /** Where ticks are; otherwise round numbers. */
  ticks?: Array<{ at: number; label: string }>;
}

export interface Band {
  from: number;
  to: number;
  kind: 'incident' | 'firing' | 'recorded';
  label: string;
}

export interface Line {
  points: Array<[x: number, y: number]>;
  /** Which of the colours: from 0. */
  colour: number;
  label: string;
  /** Marks each point. */
  dots?: boolean;
  dashed?: boolean;
}

export type Shape =
  | { shape: 'rect'; x: number; y: number; width: number; height: number; name: string; title: string }
  | { shape: 'path'; d: string; name: string; title: string }
  | { shape: 'circle'; cx: number; cy: number; r: number; name: string; title: string }
  | { shape: 'text'; x: number; y: number; anchor: 'start' | 'middle' | 'end'; name: string; text: string };

export interface Size {
  width: number;
  height: number;
}

export const colours = 4;

const margin = { top: 26, right: 16, bottom: 40, left: 60 };

export function shapesOf({ x, y, bands = [], lines, limits = [] }: Chart, { width, height }: Size): Shape[] {
  const box = { left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom };
  const toX = scaled(x, box.left, box.right);
  const toY = scaled(y, box.bottom, box.top);
  const clamp = (value: number) => Math.min(box.right, Math.max(box.left, value));
  return [
    ...bands.map(({ from, to, kind, label }): Shape => {
      const [left, right] = [clamp(toX(from)), clamp(toX(to))];
      // Incidents are the whole height; what fired is a strip, one above the other.
      const strip = {
        incident: [box.top, box.bottom],
        firing: [box.bottom - 8, box.bottom],
        recorded: [box.bottom - 18, box.bottom - 10],
      }[kind];
      return {
        shape: 'rect',
        x: round(left),
        y: strip[0],
        width: round(Math.max(1, right - left)),
        height: strip[1] - strip[0],
        name: `band ${kind}`,
        title: label,
      };
    }),
    ...ticksOf(y).flatMap(({ at, label }): Shape[] => [
      { shape: 'path', d: `M${box.left} ${round(toY(at))}H${box.right}`, name: 'grid', title: '' },
      { shape: 'text', x: box.left - 6, y: round(toY(at) + 4), anchor: 'end', name: 'tick', text: label },
    ]),
    ...ticksOf(x).map(({ at, label }): Shape => {
      return { shape: 'text', x: round(toX(at)), y: box.bottom + 16, anchor: 'middle', name: 'tick', text: label };
    }),
    { shape: 'text', x: box.right, y: height - 6, anchor: 'end', name: 'title', text: x.title },
    { shape: 'text', x: 4, y: 14, anchor: 'start', name: 'title', text: y.title },
    ...limits.flatMap(({ at, label }): Shape[] => [
      { shape: 'path', d: `M${box.left} ${round(toY(at))}H${box.right}`, name: 'limit', title: label },
      { shape: 'text', x: box.right - 4, y: round(toY(at) - 4), anchor: 'end', name: 'tick', text: label },
    ]),
    ...lines.flatMap((line): Shape[] => {
      const points = thinned(line.points, toX).map(([px, py]) => [round(toX(px)), round(toY(py))] as const);
      const name = `line colour${line.colour % colours}${line.dashed ? ' dashed' : ''}`;
      return [
        { shape: 'path', d: pathOf(points), name, title: line.label },
        ...(line.dots ? points : []).flatMap(([cx, cy], index): Shape[] =>
          Number.isNaN(cy)
            ? []
            : [
                {
                  shape: 'circle',
                  cx,
                  cy,
                  r: 3.5,
                  name: `dot colour${line.colour % colours}`,
                  title: `${line.label}: ${line.points[index][1]}`,
                },
              ]
        ),
      ];
    }),
    ...legend(lines, width),
  ];
}

function legend(lines: Line[], width: number): Shape[] {
  let right = width - margin.right;
  return lines.length < 2
    ? []
    : lines.toReversed().map(({ label, colour }): Shape => {
        const x = right;
        right -= label.length * 6.5 + 18;
        return {
          shape: 'text',
          x: round(x),
          y: 14,
          anchor: 'end',
          name: `legend colour${colour % colours}`,
          text: `● ${label}`,
        };
      });
}

function scaled({ scale, from, to }: Axis, begin: number, end: number): (value: number) => number {
  const of = { time: identity, linear: identity, log: Math.log, burn: (value: number) => Math.log1p(value) }[scale];
  const [low, high] = [of(from), of(to)];
  return (value) => begin + ((of(value) - low) / (high - low || 1)) * (end - begin);
}

const identity = (value: number) => value;

function pathOf(points: ReadonlyArray<readonly [number, number]>): string {
  let isDrawing = false;
  return points
    .map(([x, y]) => {
      if (Number.isNaN(y)) {
        isDrawing = false;
        return '';
      }
      const command = `${isDrawing ? 'L' : 'M'}${x} ${y}`;
      isDrawing = true;
      return command;
    })
    .join('');
}

/** At most two points a pixel, the highest among them, so that no peak is lost. */
function thinned(points: Line['points'], toX: (x: number) => number): Line['points'] {
  if (points.length < 2000) {
    return points;
  }
  const highest = new Map<number, [number, number]>();
  for (const point of points) {
    const pixel = Math.floor(2 * toX(point[0]));
    const known = highest.get(pixel);
    if (!known || !(point[1] <= known[1])) {
      highest.set(pixel, point);
    }
  }
  return [...highest.values()];
}

function ticksOf({ scale, from, to, ticks }: Axis): Array<{ at: number; label: string }> {
  if (ticks) {
    return ticks;
  }
  if (scale === 'time') {
    return timeTicks(from, to);
  }
  if (scale === 'burn') {
    return [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000]
      .filter((at) => at <= to)
      .map((at) => ({ at, label: String(at) }));
  }
  const step = niceStep((to - from) / 5);
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, index) => {
    const at = Number((Math.ceil(from / step) * step + index * step).toPrecision(12));
    return { at, label: String(at) };
  });
}

function niceStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted || 1));
  return power * ([1, 2, 5, 10].find((factor) => power * factor >= wanted) ?? 10);
}

const tickSteps = [60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400];

/** In UTC, as incident lists are. */
function timeTicks(from: number, to: number): Array<{ at: number; label: string }> {
  const step = tickSteps.find((candidate) => (to - from) / candidate <= 8) ?? 14 * 86400;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, index) => {
    const at = first + index * step;
    const text = new Date(at * 1000).toISOString();
    return { at, label: step < 86400 && at % 86400 !== 0 ? text.slice(11, 16) : text.slice(5, 10) };
  });
}

const round = (value: number) => Math.round(value * 10) / 10;

/** How shapes look by their names; the variables are colours that whoever draws the chart sets. */
export const chartRules = `
.chart text { font: 11px system-ui, sans-serif; fill: var(--text); }
.chart .tick { fill: var(--weak); }
.chart .grid { stroke: var(--grid); fill: none; }
.chart .limit { stroke: var(--firing); stroke-dasharray: 4 3; fill: none; }
.chart .line { fill: none; stroke-width: 1.6; }
.chart .dashed { stroke-dasharray: 5 3; }
.chart .incident { fill: var(--incident); } .chart .firing { fill: var(--firing); } .chart .recorded { fill: var(--recorded); }
${Array.from({ length: colours }, (_, index) => `.chart .line.colour${index} { stroke: var(--c${index}); } .chart .dot.colour${index}, .chart .legend.colour${index} { fill: var(--c${index}); }`).join('\n')}`;
