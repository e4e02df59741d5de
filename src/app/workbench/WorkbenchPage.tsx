import { css } from '@emotion/css';
import { dateTime, type DataSourceInstanceSettings, type GrafanaTheme2, type TimeRange } from '@grafana/data';
import { getDataSourceSrv, PluginPage } from '@grafana/runtime';
import {
  Alert,
  Button,
  ClipboardButton,
  EmptyState,
  Field,
  FileUpload,
  LinkButton,
  LoadingPlaceholder,
  MultiCombobox,
  Combobox,
  Stack,
  Text,
  TextArea,
  TimeRangeInput,
  useStyles2,
} from '@grafana/ui';
import React, { useEffect, useMemo, useState } from 'react';

import { type Incident, parseIncidents } from '../../../slo/calibrate/incidents.ts';
import { decodeText } from '../../../slo/decode-text.ts';
import { caveats, precision, recall, span } from '../../../slo/calibrate/wording.ts';
import { formatDuration } from '../../../slo/model/duration.ts';
import { latencySlis } from '../../../slo/model/model.ts';
import type { FleetDatasource } from '../../datasource/datasource';
import { datasourceType } from '../../ids';
import { addDatasourceAddress } from '../paths';
import { ChartView } from './ChartView';
import { rangeSource } from './source';
import { load, type Loaded, longestRange, mostClusters, present, sitesOf, tryThreshold } from './trial';

/** Tries thresholds on what really happened, and gives the change to commit. */
export default function WorkbenchPage() {
  const [datasource] = getDataSourceSrv().getList({ pluginId: datasourceType });
  return (
    <PluginPage subTitle="Which incidents would the SLO alerts have detected with another threshold? The definitions are those of this build of the app.">
      {datasource ? (
        <Workbench settings={datasource} />
      ) : (
        <EmptyState
          variant="call-to-action"
          message="No etcd Fleet datasource yet"
          button={
            <LinkButton icon="plus" href={addDatasourceAddress()}>
              Add an etcd Fleet datasource
            </LinkButton>
          }
        />
      )}
    </PluginPage>
  );
}

const { model } = present;

/** Entries of the list that are no incidents, shown before the rest is only counted. */
const shownLeftOut = 5;

function Workbench({ settings }: { settings: DataSourceInstanceSettings }) {
  const [regions, setRegions] = useState<string[]>([]);
  const [clusters, setClusters] = useState<string[]>([]);
  const [region, setRegion] = useState<string>();
  const [chosen, setChosen] = useState<string[]>([]);
  const [sli, setSli] = useState(latencySlis(model)[0].name);
  const [timeRange, setTimeRange] = useState(lastHours(6));
  const [list, setList] = useState('');
  const [loaded, setLoaded] = useState<{ sli: string; data?: Loaded }>();
  const [isLoading, setIsLoading] = useState(false);
  const [error, setError] = useState<string>();

  useEffect(() => {
    void datasourceOf(settings)
      .then((datasource) => datasource.scopeValues('region', {}))
      .then((names) => {
        setRegions(names);
        setRegion((current) => current ?? names[0]);
      })
      .catch((problem: unknown) => setError(messageOf(problem)));
  }, [settings]);

  useEffect(() => {
    if (region) {
      void datasourceOf(settings)
        .then((datasource) => datasource.scopeValues('cluster', { region: [region] }))
        .then(setClusters)
        .catch((problem: unknown) => setError(messageOf(problem)));
    }
  }, [settings, region]);

  const { incidents, leftOut, problem } = useMemo(() => read(list), [list]);

  const loadData = async () => {
    setError(undefined);
    setIsLoading(true);
    try {
      const time = { from: timeRange.from.unix(), to: timeRange.to.unix() };
      const wanted = chosen.length ? chosen : clusters;
      if (wanted.length > mostClusters) {
        throw new Error(`${wanted.length} clusters are too many for the browser: choose at most ${mostClusters}.`);
      }
      if (time.to - time.from > longestRange) {
        throw new Error(
          'The time range is too long for the browser: choose at most 7 days, or run npm run slo -- calibrate.'
        );
      }
      const source = rangeSource(await datasourceOf(settings));
      setLoaded({ sli, data: await load(source, { region: [region ?? ''], cluster: wanted }, sli, time) });
    } catch (failure) {
      setError(messageOf(failure));
    } finally {
      setIsLoading(false);
    }
  };

  return (
    <Stack direction="column" gap={2}>
      <Stack wrap="wrap" alignItems="flex-end">
        <Field label="Region" noMargin>
          <Combobox
            id="region"
            options={optionsOf(regions)}
            value={region ?? null}
            onChange={({ value }) => {
              setRegion(value);
              setChosen([]);
            }}
            width={20}
          />
        </Field>
        <Field label="Clusters" noMargin>
          <MultiCombobox
            id="clusters"
            options={optionsOf(clusters)}
            value={chosen}
            placeholder="all of the region"
            onChange={(options) => setChosen(options.map(({ value }) => value))}
            width={40}
          />
        </Field>
        <Field label="SLI" noMargin>
          <Combobox
            id="sli"
            options={model.slis.map(({ name, objective }) => ({ value: name, label: name, description: objective }))}
            value={sli}
            onChange={({ value }) => setSli(value)}
            width={30}
          />
        </Field>
        <Field label="Time" noMargin>
          <TimeRangeInput value={timeRange} onChange={setTimeRange} />
        </Field>
        <Button icon="sync" disabled={!region || isLoading} onClick={() => void loadData()}>
          Load
        </Button>
      </Stack>
      <Field
        label="Incidents"
        description="A list as npm run slo -- calibrate reads it: YAML, CSV, or JSON of Alertmanager or Kubernetes."
        invalid={problem !== undefined}
        error={problem}
        noMargin
      >
        <TextArea
          id="incidents"
          rows={4}
          value={list}
          placeholder="- { start: 2026-07-01T10:00:00Z, end: 2026-07-01T10:30:00Z, scope: { cluster: gz-etcd-default }, note: slow disk }"
          onChange={({ currentTarget }) => setList(currentTarget.value)}
        />
      </Field>
      <Stack>
        <FileUpload
          size="sm"
          accept=".yaml,.yml,.csv,.json"
          onFileUpload={(event) =>
            void readFile(event.currentTarget).then(setList, (failure: unknown) => setError(messageOf(failure)))
          }
        >
          Take a file
        </FileUpload>
      </Stack>
      {leftOut.length > 0 && (
        <Alert severity="info" title={`${leftOut.length} entries of the list are not incidents and are left out`}>
          {leftOut.slice(0, shownLeftOut).map((line) => (
            <div key={line}>{line}</div>
          ))}
          {leftOut.length > shownLeftOut && <div>… and {leftOut.length - shownLeftOut} more</div>}
        </Alert>
      )}
      {error && <Alert severity="error" title={error} onRemove={() => setError(undefined)} />}
      {isLoading && <LoadingPlaceholder text="Asking Thanos …" />}
      {!isLoading && loaded && !loaded.data && (
        <EmptyState variant="not-found" message="No events of these clusters in this time">
          Choose another time or region. If there are none at all, the members’ series or the recording rules are
          missing.
        </EmptyState>
      )}
      {!isLoading && loaded?.data && (
        <TrialView key={loaded.sli} sli={loaded.sli} loaded={loaded.data} incidents={incidents} />
      )}
    </Stack>
  );
}

function TrialView({ sli, loaded, incidents }: { sli: string; loaded: Loaded; incidents: Incident[] }) {
  const styles = useStyles2(getStyles);
  const { objective } = model.slis.find(({ name }) => name === sli)!;
  const edges = useMemo(() => latencySlis(model).find(({ name }) => name === sli)?.sources[0].thresholds ?? [], [sli]);
  const threshold = sitesOfLatency(loaded, sli)[0]?.threshold;
  const [index, setIndex] = useState(Math.max(0, edges.indexOf(threshold ?? edges[0])));
  const [isChanged, setIsChanged] = useState(false);
  const trial = useMemo(
    () => tryThreshold(loaded, objective, sli, isChanged ? edges[index] : undefined, incidents),
    [loaded, objective, sli, isChanged, edges, index, incidents]
  );
  const { all } = trial.verdict;
  const change = (next: number) => {
    setIndex(next);
    setIsChanged(true);
  };

  return (
    <Stack direction="column" gap={2}>
      {edges.length > 1 && (
        <Field
          label={`Threshold of ${sli}: ${formatDuration(edges[index])}`}
          description={`Bucket edges: ${edges.map(formatDuration).join(', ')}`}
          noMargin
        >
          {/* Grafana's Slider has a field beside it, which would show the number of the edge instead of the edge. */}
          <input
            id="threshold"
            type="range"
            className={styles.slider}
            min={0}
            max={edges.length - 1}
            value={index}
            aria-valuetext={formatDuration(edges[index])}
            onChange={({ currentTarget }) => change(Number(currentTarget.value))}
          />
        </Field>
      )}
      <dl className={styles.figures} aria-live="polite" aria-label={`Figures of ${objective}`}>
        <Figure name="Precision" value={precision(all)} />
        <Figure name="Recall" value={recall(all)} />
        <Figure name="Alerts" value={String(all.alerts)} />
        <Figure name="Detected after" value={span(all.timeToDetect.median)} />
      </dl>
      {caveats(trial.verdict).map((text) => (
        <Text key={text} color="secondary">
          {text}
        </Text>
      ))}
      <Text color="secondary">
        Shaded: an incident. Red strip: the alerts of {objective} would have fired. Purple strip: they really fired.
      </Text>
      {trial.charts.map(({ id, name, burn, bad }) => (
        <section key={id} aria-label={name}>
          <Text element="h3" variant="h5">
            {name}
          </Text>
          <ChartView chart={bad} />
          <ChartView chart={burn} />
        </section>
      ))}
      {trial.diff ? (
        <div>
          <Stack justifyContent="space-between" alignItems="center">
            <Text element="h3" variant="h5">
              The change to commit
            </Text>
            <ClipboardButton icon="copy" variant="secondary" getText={() => trial.diff}>
              Copy the diff
            </ClipboardButton>
          </Stack>
          <pre aria-label="Diff">{trial.diff}</pre>
        </div>
      ) : (
        <Text color="secondary">These are the present thresholds: there is nothing to commit.</Text>
      )}
    </Stack>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

const sitesOfLatency = (loaded: Loaded, sli: string) =>
  latencySlis(model).some(({ name }) => name === sli) ? sitesOf(loaded, sli) : [];

const datasourceOf = (settings: DataSourceInstanceSettings) =>
  getDataSourceSrv().get(settings.uid) as unknown as Promise<FleetDatasource>;

function read(list: string): { incidents: Incident[]; leftOut: string[]; problem?: string } {
  const leftOut: string[] = [];
  try {
    return { incidents: parseIncidents(list, 'incidents', { onLeftOut: (line) => leftOut.push(line) }), leftOut };
  } catch (error) {
    return { incidents: [], leftOut: [], problem: messageOf(error) };
  }
}

async function readFile({ files }: HTMLInputElement): Promise<string> {
  const file = files?.[0];
  return file ? decodeText(new Uint8Array(await file.arrayBuffer())) : '';
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

const optionsOf = (values: string[]) => values.map((value) => ({ value, label: value }));

function lastHours(hours: number): TimeRange {
  const to = dateTime();
  return { from: dateTime(to).subtract(hours, 'hour'), to, raw: { from: `now-${hours}h`, to: 'now' } };
}

const getStyles = (theme: GrafanaTheme2) => ({
  slider: css({ width: 480, maxWidth: '100%', accentColor: theme.colors.primary.main }),
  figures: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(4),
    dt: { color: theme.colors.text.secondary, fontWeight: theme.typography.fontWeightRegular },
    dd: { fontSize: theme.typography.h3.fontSize },
  }),
});
