// What counts as a hit, a miss and a false alert, with honest denominators.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDefinitions } from '../model/definitions.ts';
import type { Urgency } from '../model/schema.ts';
import type { Measured, Steps } from './history.ts';
import type { Incident } from './incidents.ts';
import { eventsOf, incident, labelsOf, randomHistory } from './pretended.ts';
import { confidence, defaultTolerance, f1, judge, notifications } from './score.ts';
import { simulate, type Firing } from './simulate.ts';

const { model, deployment } = loadDefinitions();
const [objective] = model.objectives;
const hour = 3600;
const period = { from: 0, to: 10 * hour };
const steps: Steps = { start: 60, step: 60, count: 600 };
const quiet = (cluster: string): Measured => ({
  labels: labelsOf(cluster),
  events: { [objective.slis[0]]: eventsOf(steps, () => ({ bad: 0, all: 10 })) },
});

function firing(start: number, end: number, cluster = 'a', urgency: Urgency = 'page'): Firing {
  const burnRate = model.burnRates.find((rate) => rate.urgency === urgency)!.name;
  return { labels: labelsOf(cluster), objective: objective.name, burnRate, urgency, start, end, slis: ['leader'] };
}

const verdict = (firings: Firing[], incidents: Incident[], clusters = [quiet('a'), quiet('b')]) =>
  judge({ model, deployment, clusters, steps, firings, incidents, period, tolerance: defaultTolerance });

const ofA = { cluster: ['a'] };

test('an alert within an incident of its cluster is right, and tells how long it took', () => {
  const { pages, incidents, falseAlerts } = verdict(
    [firing(hour + 120, hour + 900)],
    [incident(hour, hour + 600, ofA)]
  );
  assert.deepEqual([pages.precision, pages.recall, pages.timeToDetect.median], [1, 1, 120]);
  assert.equal(incidents[0].timeToDetect, 120);
  assert.deepEqual(falseAlerts, []);
});

test('an alert of another cluster is false and detects nothing', () => {
  const { pages, falseAlerts } = verdict([firing(hour, hour + 600, 'b')], [incident(hour, hour + 600, ofA)]);
  assert.deepEqual([pages.precision, pages.recall, pages.falsePerMonth], [0, 0, (30 * 24) / 10]);
  assert.equal(falseAlerts[0].labels.cluster, 'b');
});

for (const [when, start, right] of [
  ['before the lead', hour - defaultTolerance.lead - 1200, false],
  ['within the lead', hour - defaultTolerance.lead, true],
  ['within the grace', 2 * hour + defaultTolerance.grace, true],
  ['after the grace', 2 * hour + defaultTolerance.grace + 60, false],
] as const) {
  test(`a short alert ${when} is ${right ? 'right' : 'false'}`, () => {
    const { pages } = verdict([firing(start, start + 600)], [incident(hour, 2 * hour, ofA)]);
    assert.equal(pages.precision, Number(right));
    assert.equal(pages.recall, Number(right));
  });
}

test('an alert that fired already counts as told, without a time', () => {
  const { pages, incidents } = verdict([firing(60, 2 * hour)], [incident(hour, hour + 600, ofA)]);
  assert.deepEqual([pages.recall, pages.timeToDetect.median, incidents[0].timeToDetect], [1, undefined, undefined]);
});

test('without alerts precision says nothing, without incidents recall does', () => {
  assert.equal(verdict([], [incident(hour, 2 * hour, ofA)]).pages.precision, undefined);
  assert.equal(verdict([firing(hour, 2 * hour)], []).pages.recall, undefined);
});

test('alerts of a cluster at the same time are one notification', () => {
  assert.equal(notifications([firing(0, 100), firing(50, 200), firing(300, 400), firing(60, 90, 'b')]).length, 3);
});

test('pages and tickets are judged by the incidents of their urgency, and a page detects both', () => {
  const incidents = [incident(hour, 2 * hour, ofA), incident(4 * hour, 5 * hour, ofA, 'ticket')];
  const { pages, tickets } = verdict([firing(hour, 2 * hour, 'a', 'ticket'), firing(4 * hour, 5 * hour)], incidents);
  assert.deepEqual([pages.incidents, pages.detected, pages.precision], [1, 0, 1]);
  assert.deepEqual([tickets.incidents, tickets.detected, tickets.precision], [1, 1, 1]);
});

test('incidents of which the history knows nothing are left out, with the reason', () => {
  const { all, unjudged } = verdict(
    [],
    [incident(20 * hour, 21 * hour, ofA), incident(hour, 2 * hour, { cluster: ['z'] })]
  );
  assert.equal(all.incidents, 0);
  assert.deepEqual(
    unjudged.map(({ reason }) => reason),
    ['outside the history', 'no cluster of the history is in its scope']
  );
});

test('the budget that an incident cost is its share of what the target allows in 30d', () => {
  const bad = (at: number) => (at >= 60 && at < 120 ? 5 : 0);
  const cluster = {
    labels: labelsOf('a'),
    events: { [objective.slis[0]]: eventsOf(steps, (at) => ({ bad: bad(at), all: 10 })) },
  };
  const { incidents, spent } = verdict([], [incident(hour, 2 * hour, ofA)], [cluster]);
  const target = model.classes.find(({ name }) => name === 'default')!.targets[objective.name];
  const expected = 300 / (10 * 30 * 24 * 60 * (1 - target));
  assert.ok(Math.abs(incidents[0].spent[objective.name] / expected - 1) < 1e-9);
  assert.ok(Math.abs(spent[objective.name] / expected - 1) < 1e-9);
});

test('a miss says how near each SLI came', () => {
  const [rate] = model.burnRates;
  const target = model.classes.find(({ name }) => name === 'default')!.targets[objective.name];
  const events = eventsOf(steps, () => ({ bad: 1e6 * rate.factor * (1 - target) * 0.1, all: 1e6 }));
  const { incidents } = verdict(
    [],
    [incident(hour, 2 * hour, ofA)],
    [{ labels: labelsOf('a'), events: { [objective.slis[0]]: events } }]
  );
  assert.equal(incidents[0].detected, false);
  assert.equal(incidents[0].nearest[0].sli, objective.slis[0]);
  assert.ok(incidents[0].nearest[0].share > 0);
});

for (const seed of [1, 2, 3]) {
  test(`every alert is right or false, every incident told or missed (seed ${seed})`, () => {
    const clusters = randomHistory(model, steps, seed);
    const firings = simulate(clusters, steps, { model, deployment });
    const told = notifications(firings).slice(0, 2);
    const incidents = [
      ...told.map(({ labels, start, end }) => incident(start, end, { cluster: [labels.cluster] })),
      incident(9 * hour, 9 * hour + 1, { cluster: [clusters[0].labels.cluster] }),
    ];
    const { all, falseAlerts, incidents: verdicts } = verdict(firings, incidents, clusters);
    assert.equal(all.alerts, notifications(firings).length);
    assert.equal(all.alerts - all.rightAlerts, falseAlerts.length);
    assert.equal(verdicts.filter(({ detected }) => detected).length, all.detected);
    assert.ok(all.detected >= told.length);
    assert.ok(f1(all) <= 1);
  });
}

test('few incidents leave a wide confidence', () => {
  const [low, high] = confidence(2, 3);
  assert.ok(low < 0.25 && high > 0.9);
  assert.deepEqual(confidence(0, 5)[0], 0);
});
