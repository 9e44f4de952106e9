import { createRecent } from '../../functions/store/recent.ts';

describe('recent documents', () => {
  it('tells what is not there from what is not known', () => {
    const recent = createRecent(10_000);
    expect(recent.get('agents/a')).toBeUndefined();
    recent.set('agents/a', null);
    expect(recent.get('agents/a')).toBeNull();
    recent.set('agents/a', '{}');
    expect(recent.get('agents/a')).toBe('{}');
    recent.clear();
    expect(recent.get('agents/a')).toBeUndefined();
  });

  it('forgets what was used longest ago first, and keeps nothing that is large', () => {
    const recent = createRecent(1_000);
    for (let at = 0; at < 200; at += 1) {
      recent.set(`k${at}`, '12345');
      recent.get('k0');
    }
    expect(recent.get('k0')).toBe('12345');
    expect(recent.get('k1')).toBeUndefined();
    expect(recent.get('k199')).toBe('12345');
    recent.set('k199', 'x'.repeat(500));
    expect(recent.get('k199')).toBeUndefined();
  });
});
