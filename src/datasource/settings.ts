import type { DataSourceJsonData, DataSourceSettings } from '@grafana/data';

import { dimensions } from './scope';

/** A region's API server, where its EtcdClusters and EtcdMonitors are. */
export interface RegionOptions {
  /** A DNS label, equal to the label `region` of the region's series. */
  name: string;
  /** Absent where it is a secret. */
  url: string;
  /** The namespace to watch; empty means all. */
  namespace?: string;
  /** The name to verify the API server's certificate against, when it differs from the URL's host. */
  serverName?: string;
}

export const rolesToRun = ['Editor', 'Admin'] as const;

/** The exact values to which a datasource is limited, by label; no values of a label limit nothing. */
export type FixedScope = Partial<Record<(typeof dimensions)[number], string[]>>;

export interface FleetOptions extends DataSourceJsonData {
  regions?: RegionOptions[];
  minRoleToRun?: (typeof rolesToRun)[number];
  queryTimeoutSeconds?: number;
  /** How often Prometheus scrapes etcd, as a Prometheus duration. */
  timeInterval?: string;
  fixedScope?: FixedScope;
  /** Absent means on with a fixed scope, off without. */
  hideInternals?: boolean;
  // Grafana's standard HTTP settings, for Thanos query.
  tlsAuth?: boolean;
  tlsAuthWithCACert?: boolean;
  serverName?: string;
}

export const defaultQueryTimeoutSeconds = 30;
export const maxQueryTimeoutSeconds = 300;
export const defaultTimeInterval = '15s';

/** Secrets by key. Grafana never returns them: `secureJsonFields` says which ones it holds. */
export type FleetSecrets = Record<string, string>;

export type FleetSettings = DataSourceSettings<FleetOptions, FleetSecrets>;

/** The address of Thanos where nobody may reach it past the backend. */
export const thanosUrlSecret = 'thanosUrl';

export const regionSecrets = ['token', 'caCert', 'clientCert', 'clientKey', 'url'] as const;

export type RegionSecret = (typeof regionSecrets)[number];

export function regionSecretKey(region: string, secret: RegionSecret): string {
  return `${region}.${secret}`;
}

/**
 * The regions as the editor can show them. A provisioning file may hold anything: an invalid region is shown as an empty
 * one in its place, so that the backend's messages name the right field.
 */
export function regionsOf(settings: FleetSettings): RegionOptions[] {
  const regions: unknown = settings.jsonData?.regions;
  return (Array.isArray(regions) ? regions : []).map((region: unknown) =>
    isRegion(region)
      ? region
      : { ...(isObject(region) ? region : {}), name: textOf(region, 'name'), url: textOf(region, 'url') }
  );
}

/** The fixed scope as the editor can show it. What it cannot is kept, and the backend says what is wrong with it. */
export function fixedScopeOf(settings: FleetSettings): FixedScope {
  const fixed: unknown = settings.jsonData?.fixedScope;
  const lists = dimensions.map((field) => [field, isObject(fixed) ? fixed[field] : undefined] as const);
  return Object.fromEntries(
    lists.flatMap(([field, values]) => {
      const texts = Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
      return texts.length > 0 ? [[field, texts]] : [];
    })
  );
}

export function setFixedValues(settings: FleetSettings, field: keyof FixedScope, values: string[]): FleetSettings {
  const before = settings.jsonData.fixedScope;
  const { [field]: _, ...others } = isObject(before) ? before : {};
  const fixedScope: FixedScope = values.length > 0 ? { ...others, [field]: values } : others;
  return {
    ...settings,
    jsonData: { ...settings.jsonData, fixedScope: Object.keys(fixedScope).length > 0 ? fixedScope : undefined },
  };
}

const hasFixedScope = (settings: FleetSettings) => Object.keys(fixedScopeOf(settings)).length > 0;

export const hidesInternals = (settings: FleetSettings): boolean =>
  settings.jsonData.hideInternals ?? hasFixedScope(settings);

/** Whether something is kept from those who query the datasource. */
export const isLimited = (settings: FleetSettings): boolean => hasFixedScope(settings) || hidesInternals(settings);

const isRegion = (value: unknown): value is RegionOptions =>
  isObject(value) && typeof value.name === 'string' && typeof value.url === 'string';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textOf(region: unknown, field: string): string {
  const value = isObject(region) ? region[field] : undefined;
  return typeof value === 'string' ? value : '';
}

export function isStored(settings: FleetSettings, key: string): boolean {
  return settings.secureJsonFields?.[key] === true;
}

/** The secrets that Grafana holds for a region. */
export function storedSecrets(settings: FleetSettings, region: string): RegionSecret[] {
  return regionSecrets.filter((secret) => isStored(settings, regionSecretKey(region, secret)));
}

export function setSecret(settings: FleetSettings, key: string, value: string): FleetSettings {
  return { ...settings, secureJsonData: { ...settings.secureJsonData, [key]: value } };
}

/** Grafana keeps a stored secret until it receives an empty one. */
export function clearSecret(settings: FleetSettings, key: string): FleetSettings {
  return {
    ...settings,
    secureJsonData: { ...settings.secureJsonData, [key]: '' },
    secureJsonFields: { ...settings.secureJsonFields, [key]: false },
  };
}

export function addRegion(settings: FleetSettings): FleetSettings {
  return withRegions(settings, [...regionsOf(settings), { name: '', url: '' }]);
}

export function updateRegion(settings: FleetSettings, index: number, change: Partial<RegionOptions>): FleetSettings {
  return withRegions(
    settings,
    regionsOf(settings).map((region, at) => (at === index ? { ...region, ...change } : region))
  );
}

/** Removes a region together with its secrets. */
export function removeRegion(settings: FleetSettings, index: number): FleetSettings {
  const regions = regionsOf(settings);
  return withRegions(
    clearRegionSecrets(settings, regions[index].name),
    regions.filter((_, at) => at !== index)
  );
}

/**
 * Renames a region. Secrets are stored under its name: those typed since the last save move along, stored ones cannot
 * be read back and are cleared.
 */
export function renameRegion(settings: FleetSettings, index: number, name: string): FleetSettings {
  const before = regionsOf(settings)[index].name;
  const renamed = updateRegion(clearRegionSecrets(settings, before), index, { name });
  return regionSecrets.reduce((result, secret) => {
    const typed = settings.secureJsonData?.[regionSecretKey(before, secret)];
    return typed ? setSecret(result, regionSecretKey(name, secret), typed) : result;
  }, renamed);
}

function withRegions(settings: FleetSettings, regions: RegionOptions[]): FleetSettings {
  return { ...settings, jsonData: { ...settings.jsonData, regions } };
}

function clearRegionSecrets(settings: FleetSettings, region: string): FleetSettings {
  return regionSecrets.reduce((result, secret) => {
    const key = regionSecretKey(region, secret);
    const { [key]: _, ...typed } = result.secureJsonData ?? {};
    return isStored(result, key) ? clearSecret(result, key) : { ...result, secureJsonData: typed };
  }, settings);
}
