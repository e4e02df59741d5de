/** Shows the running items, n of m, and their time: one changing line on a terminal, plain lines elsewhere. */
export interface Progress {
  begin(what: string): void;
  done(what: string): void;
  /** Stops showing the progress. */
  end(): void;
}

/** The words for a kind of work, as in `Starting 3 of 33: traffic is ready (2s)`. */
export interface Wording {
  doing: string;
  done: string;
}

export interface Terminal {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

const redrawMilliseconds = 200;
const plainReminderMilliseconds = 30_000;

export function showProgress(wording: Wording, total: number, terminal: Terminal = process.stdout): Progress {
  const underWay = new Map<string, number>();
  let finished = 0;

  const clear = () => {
    if (terminal.isTTY) {
      terminal.write('\r\x1b[K');
    }
  };
  const line = (text: string) => {
    clear();
    terminal.write(`${text}\n`);
  };
  const redraw = () => {
    if (underWay.size === 0) {
      return;
    }
    const status = underWayLine(wording, { finished, total, underWay });
    if (terminal.isTTY) {
      terminal.write(`\r\x1b[K${status.slice(0, (terminal.columns ?? 80) - 1)}`);
    } else {
      line(status);
    }
  };
  const timer = setInterval(redraw, terminal.isTTY ? redrawMilliseconds : plainReminderMilliseconds);
  timer.unref();

  return {
    begin(what) {
      underWay.set(what, Date.now());
      if (terminal.isTTY) {
        redraw();
      }
    },
    done(what) {
      const took = elapsed(underWay.get(what) ?? Date.now());
      underWay.delete(what);
      finished++;
      line(`${wording.doing} ${finished} of ${total}: ${what} ${wording.done} (${took})`);
    },
    end() {
      clearInterval(timer);
      clear();
    },
  };
}

interface State {
  finished: number;
  total: number;
  /** The running items with their start times. */
  underWay: ReadonlyMap<string, number>;
}

/** `Building 2 of 5: kube-apiserver … 1m20s`, with the time of the longest-running item. */
export function underWayLine({ doing }: Wording, { finished, total, underWay }: State, now = Date.now()): string {
  const since = Math.min(...underWay.values());
  return `${doing} ${finished + 1} of ${total}: ${[...underWay.keys()].join(', ')} … ${elapsed(since, now)}`;
}

export function elapsed(since: number, now = Date.now()): string {
  const seconds = Math.round((now - since) / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}
