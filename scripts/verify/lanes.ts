// Lanes of steps that run side by side.
import { add, nothing, type Counts } from './counts.ts';
import { perform, type Step } from './step.ts';

const progressEverySeconds = 60;

/** Runs the steps of each lane one after the other, all lanes at once, and adds up what they counted. */
export async function runLanes(lanes: Step[][]): Promise<Counts> {
  const running = new Map<string, number>();
  const progress = setInterval(() => {
    const lines = [...running].map(([name, since]) => `${name} (${((Date.now() - since) / 1000).toFixed(0)} s)`);
    console.log(`  running: ${lines.join('; ')}`);
  }, progressEverySeconds * 1000);
  const counted = await Promise.all(lanes.map((lane) => runLane(lane, running)));
  clearInterval(progress);
  return counted.reduce(add, nothing);
}

async function runLane(lane: Step[], running: Map<string, number>): Promise<Counts> {
  let total = nothing;
  for (const step of lane) {
    running.set(step.name, Date.now());
    total = add(total, await perform(step));
    running.delete(step.name);
  }
  return total;
}
