import { interpolateQuery } from '../../queries';
import { templatesWith } from '../../templateTesting';
import { sloDefaults, type SloQuery } from './query';

const slo = (objectives: string[]): SloQuery => ({ refId: 'A', ...sloDefaults, objectives });

describe('service levels', () => {
  it('take the objectives of a variable, and all for All', () => {
    const several = templatesWith({ name: 'o', value: ['read-availability', 'data-quality'] });
    expect(interpolateQuery(slo(['$o']), { templates: several, scopedVars: {} })).toMatchObject({
      objectives: ['read-availability', 'data-quality'],
    });
    const all = templatesWith({ name: 'o', value: ['read-availability'], current: '$__all' });
    expect(interpolateQuery(slo(['$o']), { templates: all, scopedVars: {} })).toMatchObject({ objectives: [] });
  });

  it('fill in their scope', () => {
    const query = { ...slo([]), scope: { region: ['$r'] } };
    expect(
      interpolateQuery(query, { templates: templatesWith({ name: 'r', value: 'gz' }), scopedVars: {} })
    ).toMatchObject({
      scope: { region: ['gz'] },
    });
  });
});
