import { css } from '@emotion/css';
import { type GrafanaTheme2, LoadingState } from '@grafana/data';
import { ErrorBoundaryAlert, Icon, PanelChrome, Tooltip, useStyles2 } from '@grafana/ui';
import React, { useEffect, useRef, useState } from 'react';

import type { Answer } from './ask';
import { heightOf, type PanelModel } from './model';
import { PluginPanel } from './PluginPanel';
import { useAnswer } from './useAnswer';
import type { PageVariables } from './variables';

interface Props {
  model: PanelModel;
  variables: PageVariables;
  /** Asks again when it changes. */
  version?: number;
}

/** A panel of a generated dashboard on a page, with its queries. */
export function DashboardPanel({ model, variables, version }: Props) {
  return <AnsweredPanel model={model} variables={variables} answer={useAnswer(model, variables, version)} />;
}

interface AnsweredProps extends Omit<Props, 'version'> {
  /** Undefined while it is awaited. */
  answer: Answer | undefined;
}

/** The same for an answer that the page has. */
export function AnsweredPanel({ model, variables, answer }: AnsweredProps) {
  const styles = useStyles2(getStyles);
  const [place, width] = useWidth();
  const height = heightOf(model);
  return (
    <div ref={place} className={styles.place} style={{ height }}>
      {width > 0 && (
        <PanelChrome
          title={model.title}
          description={model.description}
          width={width}
          height={height}
          loadingState={answer ? LoadingState.Done : LoadingState.Loading}
          statusMessage={answer?.error}
          titleItems={answer && answer.notices.length > 0 && <Notices notices={answer.notices} />}
        >
          {(innerWidth, innerHeight) =>
            answer?.error ? (
              // Without it the panel would say that there is nothing.
              <div role="alert" className={styles.error}>
                {answer.error}
              </div>
            ) : (
              answer && (
                <ErrorBoundaryAlert>
                  <PluginPanel
                    model={model}
                    data={answer.data}
                    variables={variables}
                    width={innerWidth}
                    height={innerHeight}
                  />
                </ErrorBoundaryAlert>
              )
            )
          }
        </PanelChrome>
      )}
    </div>
  );
}

/** What is missing from a panel's answer, such as a region that is away. */
function Notices({ notices }: { notices: string[] }) {
  const styles = useStyles2(getStyles);
  const text = notices.join(' ');
  return (
    <Tooltip content={text}>
      <span className={styles.notices} role="note" aria-label={text} tabIndex={0}>
        <Icon name="exclamation-triangle" />
      </span>
    </Tooltip>
  );
}

/** The width of an element as it changes, in whole pixels that fit into it; 0 until it is known. */
function useWidth(): [React.RefObject<HTMLDivElement>, number] {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setWidth(Math.floor(contentRect.width)));
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

const getStyles = (theme: GrafanaTheme2) => ({
  // A panel may not make its grid cell wider than the page.
  place: css({ minWidth: 0, overflow: 'hidden' }),
  error: css({ color: theme.colors.error.text, overflow: 'auto', height: '100%' }),
  notices: css({
    display: 'flex',
    alignItems: 'center',
    color: theme.colors.warning.text,
    padding: theme.spacing(0, 1),
  }),
});
