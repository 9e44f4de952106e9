import { loadSimulation } from './load.ts';

test('keeps every invariant in a thousand histories that nobody has seen before', async () => {
  const { freshSeed, range, report, runCampaign } = await loadSimulation();
  const seed = freshSeed();
  process.stdout.write(`SIMULATION_SEED=${seed} runs these histories again\n`);
  const campaign = await runCampaign(range(seed, 1_000), 200);
  report(`fresh seeds from ${seed}`, campaign);
  expect(campaign).toMatchObject({ histories: 1_000, steps: 200_000 });
}, 300_000);

test('makes of the directory what it says in histories that nobody has seen before', async () => {
  const { freshSeed, range, report, runIntakeCampaign } = await loadSimulation();
  const seed = freshSeed();
  process.stdout.write(`SIMULATION_SEED=${seed} runs these histories of the intake again\n`);
  const campaign = await runIntakeCampaign(range(seed, 40), 30);
  report(`the intake, fresh seeds from ${seed}`, campaign);
  expect(campaign).toMatchObject({ histories: 40, steps: 1_200 });
}, 300_000);
