import {
  defaultQueryTimeoutSeconds,
  fixedScopeOf,
  type FleetSettings,
  hidesInternals,
  isLimited,
  isStored,
  maxQueryTimeoutSeconds,
  type RegionOptions,
  regionSecretKey,
  regionsOf,
} from '../settings';

/** What is wrong with one field, and how to correct it; undefined if it is valid. */
export type Problem = string | undefined;

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function urlProblem(url: string, example: string): Problem {
  const remedy = `enter the address with its scheme, for example ${example}`;
  if (url === '') {
    return `The URL is missing: ${remedy}.`;
  }
  const parsed = parseUrl(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    return `This is not an http or https URL: ${remedy}.`;
  }
  if (parsed.username || parsed.password) {
    return 'Credentials do not belong into the URL, which is stored in plain text: use the fields for them.';
  }
  return undefined;
}

export const thanosUrlExample = 'http://thanos-query:9090';

/** Grafana passes requests to the URL of a datasource, past its backend, which enforces what is shown. */
export function thanosUrlProblem(settings: FleetSettings): Problem {
  if (!isLimited(settings)) {
    return urlProblem(settings.url, thanosUrlExample);
  }
  return settings.url === ''
    ? undefined
    : 'Remove it, and enter it as the secret URL below: Grafana’s data proxy gives all series of this URL to everybody who may query the datasource.';
}

export const regionUrlExample = 'https://etcd-apiserver.gz.example.org:6443';

/** Grafana shows the settings that are no secrets to everybody who may query the datasource. */
export function regionUrlProblem(settings: FleetSettings, region: RegionOptions): Problem {
  if (!hidesInternals(settings)) {
    return isFilledIn(settings, regionSecretKey(region.name, 'url')) && region.url === ''
      ? undefined
      : urlProblem(region.url, regionUrlExample);
  }
  return region.url === ''
    ? undefined
    : 'Remove it, and enter it as the secret URL below: everybody who may query the datasource can read it here.';
}

/** A secret address: one that was typed can be checked, a stored one only be there. */
export function secretUrlProblem(settings: FleetSettings, key: string, example: string): Problem {
  const typed = settings.secureJsonData?.[key];
  return !typed && isStored(settings, key) ? undefined : urlProblem((typed ?? '').trim(), example);
}

const isFilledIn = (settings: FleetSettings, key: string) =>
  isStored(settings, key) || Boolean(settings.secureJsonData?.[key]);

/** Another region may have a cluster of the same name. */
export function fixedRegionProblem(settings: FleetSettings): Problem {
  const { region = [], cluster = [] } = fixedScopeOf(settings);
  return cluster.length > 0 && region.length === 0
    ? 'The regions are missing: name those of the clusters, because another region may have a cluster of the same name.'
    : undefined;
}

function parseUrl(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** `others` are the names of the other regions. */
export function regionNameProblem(name: string, others: string[]): Problem {
  if (name === '') {
    return 'The name is missing: enter the value of the label region of its series, for example gz.';
  }
  if (!dnsLabel.test(name)) {
    return 'Use at most 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit.';
  }
  if (others.includes(name)) {
    return `There is a region ${name} already: each name may be used once.`;
  }
  return undefined;
}

export function timeoutProblem(seconds: number | undefined): Problem {
  const value = seconds ?? defaultQueryTimeoutSeconds;
  return Number.isInteger(value) && value >= 1 && value <= maxQueryTimeoutSeconds
    ? undefined
    : `Enter whole seconds from 1 to ${maxQueryTimeoutSeconds}.`;
}

export function durationProblem(duration: string): Problem {
  return duration === '' || /^(\d+(ms|[smhd]))+$/.test(duration)
    ? undefined
    : 'Enter a number and its unit, for example 15s or 1m.';
}

/** A PEM text that was typed; a stored one cannot be read. */
export function pemProblem(pem: string): Problem {
  return pem === '' || /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/.test(pem)
    ? undefined
    : 'This is no PEM text: paste the whole file, from -----BEGIN to -----END.';
}

/** A client certificate and its key are required together. */
export function keyPairProblem(settings: FleetSettings, certificateKey: string, privateKey: string): Problem {
  if (isFilledIn(settings, certificateKey) === isFilledIn(settings, privateKey)) {
    return undefined;
  }
  return isFilledIn(settings, certificateKey)
    ? 'The client certificate has no key: paste its private key too.'
    : 'The client key has no certificate: paste its certificate too.';
}

export function otherNames(settings: FleetSettings, region: RegionOptions): string[] {
  return regionsOf(settings)
    .filter((other) => other !== region)
    .map(({ name }) => name);
}
