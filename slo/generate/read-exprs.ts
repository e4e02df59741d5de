import { dashboardExprs } from './dashboards.ts';
import { signalExprs } from './signals.ts';

/** Every PromQL expression that something besides the rules reads: dashboards and diagnoses. */
export const readExprs = () => [...dashboardExprs(), ...signalExprs()];
