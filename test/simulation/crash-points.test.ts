import { loadSimulation } from './load.ts';

test('survives a crash before and after every single effect of a standard life', async () => {
  const { live } = await loadSimulation();
  const calm = await live(undefined);
  expect(calm).toMatchObject({ violation: undefined, crashed: false });
  const failures: string[] = [];
  let points = 0;
  for (let left = 0; left < calm.effects.length; left += 1) {
    for (const side of ['before', 'after'] as const) {
      const { violation, crashed } = await live({ left, side });
      points += 1;
      if (violation !== undefined || !crashed)
        failures.push(`crash ${side} effect ${left + 1} (${calm.effects[left]}): ${violation ?? 'it never happened'}`);
    }
  }
  const verbs = calm.effects.filter((name) => !name.startsWith('commit ')).length;
  process.stdout.write(
    `standard life: ${calm.effects.length} effects (${verbs} provider verbs, ${calm.effects.length - verbs} commits), ${points} crash points\n`,
  );
  expect(failures).toEqual([]);
}, 300_000);
