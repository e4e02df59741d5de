import {
  addRegion,
  clearSecret,
  fixedScopeOf,
  type FleetSettings,
  hidesInternals,
  isLimited,
  regionsOf,
  removeRegion,
  renameRegion,
  setFixedValues,
  setSecret,
  updateRegion,
} from './settings';

const settings = {
  url: 'http://thanos-query:9090',
  jsonData: {
    regions: [
      { name: 'gz', url: 'https://gz:6443' },
      { name: 'sh', url: 'https://sh:6443' },
    ],
  },
  secureJsonData: { 'gz.caCert': 'typed' },
  secureJsonFields: { 'gz.token': true, 'sh.token': true },
} as unknown as FleetSettings;

it.each([
  ['no jsonData', undefined, []],
  ['no regions', {}, []],
  ['null', { regions: null }, []],
  ['a text', { regions: 'gz' }, []],
  ['an object', { regions: { name: 'gz' } }, []],
  ['elements that are no regions', { regions: [null, 5, 'gz', []] }, Array(4).fill({ name: '', url: '' })],
  ['fields of other types', { regions: [{ name: 5, url: null }] }, [{ name: '', url: '' }]],
])('reads regions where a provisioning file has %s', (_, jsonData, expected) => {
  expect(regionsOf({ ...settings, jsonData } as unknown as FleetSettings)).toEqual(expected);
});

describe('regions', () => {
  it('are added empty, at the end', () => {
    expect(regionsOf(addRegion(settings))).toHaveLength(3);
    expect(regionsOf(addRegion(settings))[2]).toEqual({ name: '', url: '' });
  });

  it('change one at a time', () => {
    const [gz, sh] = regionsOf(updateRegion(settings, 1, { namespace: 'etcd' }));
    expect(gz).toBe(regionsOf(settings)[0]);
    expect(sh).toEqual({ name: 'sh', url: 'https://sh:6443', namespace: 'etcd' });
  });

  it('take their secrets along when they are removed', () => {
    const result = removeRegion(settings, 0);
    expect(regionsOf(result).map(({ name }) => name)).toEqual(['sh']);
    expect(result.secureJsonData).toEqual({ 'gz.token': '' });
    expect(result.secureJsonFields).toEqual({ 'gz.token': false, 'sh.token': true });
  });

  it('move typed secrets to a new name and clear the stored ones, which cannot be read', () => {
    const result = renameRegion(settings, 0, 'bj');
    expect(regionsOf(result)[0]).toEqual({ name: 'bj', url: 'https://gz:6443' });
    expect(result.secureJsonData).toEqual({ 'gz.token': '', 'bj.caCert': 'typed' });
    expect(result.secureJsonFields).toEqual({ 'gz.token': false, 'sh.token': true });
  });
});

describe('secrets', () => {
  it('are written', () => {
    expect(setSecret(settings, 'sh.token', 'new').secureJsonData).toEqual({ 'gz.caCert': 'typed', 'sh.token': 'new' });
  });

  it('are reset by an empty text', () => {
    const result = clearSecret(settings, 'sh.token');
    expect(result.secureJsonData?.['sh.token']).toBe('');
    expect(result.secureJsonFields?.['sh.token']).toBe(false);
  });
});

describe('a fixed scope', () => {
  const withOptions = (jsonData: object) => ({ ...settings, jsonData }) as unknown as FleetSettings;

  it.each([
    ['none', {}, {}],
    ['null', { fixedScope: null }, {}],
    ['a text', { fixedScope: 'gz-1' }, {}],
    ['empty lists', { fixedScope: { region: [], cluster: null } }, {}],
    ['other fields', { fixedScope: { clusters: ['gz-1'], scene: ['big'] } }, { scene: ['big'] }],
    ['other types', { fixedScope: { scene: ['big', 5, null], region: 'gz' } }, { scene: ['big'] }],
  ])('is read where a provisioning file has %s', (_, jsonData, expected) => {
    expect(fixedScopeOf(withOptions(jsonData))).toEqual(expected);
  });

  it('changes one field and keeps what the editor cannot show', () => {
    const before = withOptions({ fixedScope: { clusters: ['gz-1'], scene: ['big'] }, timeInterval: '15s' });
    const changed = setFixedValues(before, 'region', ['gz']);
    expect(changed.jsonData).toEqual({
      fixedScope: { clusters: ['gz-1'], scene: ['big'], region: ['gz'] },
      timeInterval: '15s',
    });
    expect(setFixedValues(withOptions({ fixedScope: 'gz-1' }), 'region', ['gz']).jsonData.fixedScope).toEqual({
      region: ['gz'],
    });
  });

  it('is absent when its last value goes', () => {
    expect(
      setFixedValues(withOptions({ fixedScope: { scene: ['big'] } }), 'scene', []).jsonData.fixedScope
    ).toBeUndefined();
  });

  it.each([
    [{}, false, false],
    [{ fixedScope: { scene: [] } }, false, false],
    [{ fixedScope: { scene: ['big'] } }, true, true],
    [{ fixedScope: { scene: ['big'] }, hideInternals: false }, false, true],
    [{ hideInternals: true }, true, true],
  ])('%j hides internals: %j, is limited: %j', (jsonData, hides, limited) => {
    expect(hidesInternals(withOptions(jsonData))).toBe(hides);
    expect(isLimited(withOptions(jsonData))).toBe(limited);
  });
});
