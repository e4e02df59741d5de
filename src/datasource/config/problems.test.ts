import type { FleetSettings } from '../settings';
import {
  durationProblem,
  fixedRegionProblem,
  keyPairProblem,
  pemProblem,
  regionNameProblem,
  regionUrlProblem,
  secretUrlProblem,
  thanosUrlProblem,
  timeoutProblem,
  urlProblem,
} from './problems';

const example = 'http://thanos-query:9090';
const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

it.each([
  ['http://thanos-query:9090', undefined],
  ['https://thanos.example.org/prefix', undefined],
  ['', /missing.*http:\/\/thanos-query:9090/],
  ['thanos-query:9090', /not an http or https URL/],
  ['ftp://thanos', /not an http or https URL/],
  ['http://user:secret@thanos', /Credentials do not belong/],
])('urlProblem(%j)', (url, expected) => expectProblem(urlProblem(url, example), expected));

it.each([
  ['gz', undefined],
  ['ap-guangzhou-1', undefined],
  ['', /missing/],
  ['GZ', /lower-case/],
  ['-gz', /lower-case/],
  ['g.z', /lower-case/],
  ['a'.repeat(64), /63/],
  ['sh', /already/],
])('regionNameProblem(%j) beside sh', (name, expected) => expectProblem(regionNameProblem(name, ['sh']), expected));

it.each([
  [undefined, undefined],
  [1, undefined],
  [300, undefined],
  [0, /1 to 300/],
  [301, /1 to 300/],
  [1.5, /whole/],
  [NaN, /whole/],
])('timeoutProblem(%j)', (seconds, expected) => expectProblem(timeoutProblem(seconds), expected));

it.each([
  ['', undefined],
  ['15s', undefined],
  ['1m30s', undefined],
  ['15', /unit/],
  ['often', /unit/],
])('durationProblem(%j)', (duration, expected) => expectProblem(durationProblem(duration), expected));

it.each([
  ['', undefined],
  [pem, undefined],
  [`${pem}${pem}`, undefined],
  ['MIIB', /paste the whole file/],
  ['-----BEGIN CERTIFICATE-----\nMIIB', /paste the whole file/],
])('pemProblem(%j)', (text, expected) => expectProblem(pemProblem(text), expected));

it.each([
  ['neither', {}, {}, undefined],
  ['both stored', { cert: true, key: true }, {}, undefined],
  ['one stored, one typed', { cert: true }, { key: 'k' }, undefined],
  ['a certificate alone', {}, { cert: 'c' }, /no key/],
  ['a key alone', { key: true }, {}, /no certificate/],
])('keyPairProblem with %s', (_, secureJsonFields, secureJsonData, expected) => {
  const settings = { secureJsonFields, secureJsonData } as unknown as FleetSettings;
  expectProblem(keyPairProblem(settings, 'cert', 'key'), expected);
});

const settingsOf = (jsonData: object, others: object = {}) =>
  ({ url: '', jsonData, secureJsonFields: {}, ...others }) as unknown as FleetSettings;
const customer = { fixedScope: { scene: ['big'] } };

it.each([
  ['everything is shown', {}, example, undefined],
  ['everything is shown, without it', {}, '', /missing/],
  ['a fixed scope', customer, example, /Remove it.*data proxy/],
  ['a fixed scope, without it', customer, '', undefined],
  ['a fixed scope for colleagues', { ...customer, hideInternals: false }, example, /Remove it/],
])('thanosUrlProblem where %s', (_, jsonData, url, expected) =>
  expectProblem(thanosUrlProblem(settingsOf(jsonData, { url })), expected)
);

it.each([
  ['everything is shown', {}, {}, 'https://gz:6443', undefined],
  ['everything is shown, without it', {}, {}, '', /missing/],
  ['everything is shown, as a secret', {}, { 'gz.url': true }, '', undefined],
  ['internals are hidden', customer, {}, 'https://gz:6443', /Remove it.*can read it/],
  ['internals are hidden, without it', customer, { 'gz.url': true }, '', undefined],
])('regionUrlProblem where %s', (_, jsonData, secureJsonFields, url, expected) =>
  expectProblem(regionUrlProblem(settingsOf(jsonData, { secureJsonFields }), { name: 'gz', url }), expected)
);

it.each([
  ['nothing', {}, {}, /missing/],
  ['a stored one', { thanosUrl: true }, {}, undefined],
  ['a typed one', {}, { thanosUrl: example }, undefined],
  ['one typed without a scheme', { thanosUrl: true }, { thanosUrl: 'thanos:9090' }, /not an http or https URL/],
])('secretUrlProblem of %s', (_, secureJsonFields, secureJsonData, expected) =>
  expectProblem(secretUrlProblem(settingsOf({}, { secureJsonFields, secureJsonData }), 'thanosUrl', example), expected)
);

it.each([
  [{}, undefined],
  [{ scene: ['big'] }, undefined],
  [{ cluster: ['gz-1'], region: ['gz'] }, undefined],
  [{ cluster: ['gz-1'] }, /regions are missing/],
])('fixedRegionProblem(%j)', (fixedScope, expected) =>
  expectProblem(fixedRegionProblem(settingsOf({ fixedScope })), expected)
);

function expectProblem(problem: string | undefined, expected: RegExp | undefined) {
  if (expected) {
    expect(problem).toMatch(expected);
  } else {
    expect(problem).toBeUndefined();
  }
}
