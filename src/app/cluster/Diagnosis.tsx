import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Box, LinkButton, LoadingPlaceholder, Stack, Text, TextLink, useStyles2 } from '@grafana/ui';
import React, { useMemo } from 'react';

import { type Evidence, type Finding, toFindings } from '../diagnosis/findings';
import { SeverityBadge } from '../diagnosis/SeverityBadge';
import { Since } from '../diagnosis/Since';
import type { Answer } from '../panels/ask';
import { exploreAddress, fromKubernetesAddress, hostsAddress } from '../paths';
import type { ChosenCluster } from './chosen';
import { RunCheck, type RunsOfChecks } from './RunCheck';
import { useRunsOfChecks } from './useRunsOfChecks';

interface Props {
  /** Undefined while it is awaited. */
  answer: Answer | undefined;
  /** The cluster's inspections, of which a finding may name one to run. */
  inspected: Answer | undefined;
  variables: ChosenCluster;
  /** A run that was asked for here has ended. */
  onRunEnd: () => void;
}

/** What is wrong with the cluster in a sentence, and what to do next; then whatever else was found. */
export function Diagnosis({ answer, inspected, variables, onRunEnd }: Props) {
  const runs = useRunsOfChecks(inspected, variables.datasource, onRunEnd);
  const findings = useMemo(() => answer?.frames.flatMap(toFindings) ?? [], [answer]);
  if (!answer) {
    return <LoadingPlaceholder text="Looking for what is wrong …" />;
  }
  const [first, ...others] = findings;
  return (
    <Box element="section" borderStyle="solid" borderColor="weak" padding={2} aria-label="Diagnosis">
      <Stack direction="column" gap={2}>
        {answer.error && (
          <Alert severity="error" title="The diagnosis failed, so that nothing is known" bottomSpacing={0}>
            {answer.error}
          </Alert>
        )}
        {answer.notices.map((notice) => (
          <Alert key={notice} severity="warning" title={notice} bottomSpacing={0} />
        ))}
        {first && <FirstFinding finding={first} variables={variables} runs={runs} />}
        {!first && !answer.error && (
          <Text color="secondary">Not known: the diagnosis has no answer for this cluster.</Text>
        )}
        {others.length > 0 && <OtherFindings findings={others} variables={variables} runs={runs} />}
      </Stack>
    </Box>
  );
}

interface FindingProps {
  finding: Finding;
  variables: ChosenCluster;
  runs: RunsOfChecks;
}

function FirstFinding({ finding, variables, runs }: FindingProps) {
  const styles = useStyles2(getStyles);
  const { datasource, region } = variables;
  return (
    <div className={styles.finding}>
      <SeverityBadge severity={finding.severity} />
      <Stack direction="column" gap={1}>
        <Text element="h2" variant="h4">
          {finding.statement}
        </Text>
        <Where finding={finding} variables={variables} />
        {finding.action && <Text weight="medium">{`Next: ${finding.action}`}</Text>}
        <Stack wrap="wrap" alignItems="center">
          <RunCheck check={finding.check} runs={runs} />
          {finding.host && (
            <LinkButton
              variant="secondary"
              size="sm"
              icon="arrow-right"
              href={hostsAddress(datasource, region, finding.hostVariables)}
            >
              {`What else is on ${finding.host}`}
            </LinkButton>
          )}
        </Stack>
        <EvidenceList evidence={finding.evidence} datasource={datasource} />
      </Stack>
    </div>
  );
}

/** Since when, on which members and hosts, and who suffers. */
function Where({ finding, variables: { datasource, region } }: Omit<FindingProps, 'runs'>) {
  return (
    <Stack wrap="wrap" columnGap={2} rowGap={0}>
      {finding.since !== null && <Since time={finding.since} />}
      {finding.since === null && finding.severity !== 'Quiet' && <Text color="secondary">since when is not known</Text>}
      {finding.member && <Text color="secondary">{`Member: ${finding.member}`}</Text>}
      {finding.host && <Text color="secondary">{`Host: ${finding.host}`}</Text>}
      {finding.kubernetes.length > 0 && (
        <span>
          <Text color="secondary">Kubernetes clusters on it: </Text>
          {finding.kubernetes.map((name, index) => (
            <React.Fragment key={name}>
              {index > 0 && ', '}
              <TextLink href={fromKubernetesAddress(datasource, region, name)}>{name}</TextLink>
            </React.Fragment>
          ))}
        </span>
      )}
    </Stack>
  );
}

function OtherFindings({ findings, variables, runs }: { findings: Finding[] } & Omit<FindingProps, 'finding'>) {
  const styles = useStyles2(getStyles);
  return (
    <div>
      <Text element="h3" variant="h5">
        Also found
      </Text>
      <ul className={styles.others} aria-label="Other findings">
        {findings.map((finding) => (
          <li key={`${finding.suspect}: ${finding.statement}`} className={styles.finding}>
            <SeverityBadge severity={finding.severity} />
            <Stack direction="column" gap={0.5}>
              <Text>{finding.statement}</Text>
              <Stack wrap="wrap" alignItems="center">
                {finding.since !== null && <Since time={finding.since} />}
                <RunCheck check={finding.check} runs={runs} />
              </Stack>
              {finding.action && <Text color="secondary">{`Next: ${finding.action}`}</Text>}
              <EvidenceList evidence={finding.evidence} datasource={variables.datasource} />
            </Stack>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The figures and inspections that a finding follows from; a figure leads to its series. */
function EvidenceList({ evidence, datasource }: { evidence: Evidence[]; datasource: string }) {
  const styles = useStyles2(getStyles);
  return evidence.length === 0 ? null : (
    <ul className={styles.evidence} aria-label="Evidence">
      {evidence.map(({ text, expr, check }) => (
        <li key={`${text} ${expr ?? check}`}>
          {expr ? (
            <TextLink href={exploreAddress(datasource, expr)} variant="bodySmall">
              {text}
            </TextLink>
          ) : (
            <Text variant="bodySmall" color="secondary">
              {check ? `${text} (${check})` : text}
            </Text>
          )}
        </li>
      ))}
    </ul>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  finding: css({
    display: 'grid',
    gridTemplateColumns: '100px 1fr',
    alignItems: 'start',
    gap: theme.spacing(1),
    overflowWrap: 'anywhere',
  }),
  others: css({ listStyle: 'none', display: 'grid', gap: theme.spacing(1.5), marginTop: theme.spacing(1) }),
  evidence: css({ paddingLeft: theme.spacing(2.5) }),
});
