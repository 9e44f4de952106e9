import { z } from 'zod';
import { PlaneError } from '../../functions/core/errors.ts';
import { version } from '../../functions/version.ts';
import { buildAddon } from '../build-addon.ts';
import { openClasp, type Clasp } from './clasp.ts';
import type { Target } from './target.ts';

async function withClasp<T>({ scriptId, backendUrl, auth }: Target, work: (clasp: Clasp) => Promise<T>): Promise<T> {
  if (!backendUrl.startsWith('https:')) {
    throw new PlaneError('invalid', `cannot push add-on for ${backendUrl}: Google fetches https addresses alone; give the public one`);
  }
  const clasp = await openClasp(scriptId, auth);
  try {
    await buildAddon({ outDir: clasp.folder, backendUrl });
    return await work(clasp);
  } finally {
    await clasp.close();
  }
}

// `--force`: a changed manifest would be asked about, and nobody is there to answer.
const push = (clasp: Clasp): Promise<string> => clasp.run('push', '--force');

/** Brings the head of the script to what is built here. Only test deployments show the head. */
export async function pushAddon(target: Target): Promise<string> {
  await withClasp(target, push);
  return `Code.js and appsscript.json are at script ${target.scriptId}; test deployments show them.`;
}

const deployed = z.object({ deploymentId: z.string(), versionNumber: z.number() });

/** Pushes, makes a version of it and moves the deployment that people have installed to that version. */
export async function deployAddon(target: Target): Promise<string> {
  const { deploymentId, description = `Agents Plane ${version}` } = target;
  if (deploymentId === undefined) {
    const remedy = 'make one once in the script\u2019s editor (Deploy, New deployment, Add-on) and write its id into the same file';
    throw new PlaneError('invalid', `cannot deploy add-on: no deploymentId is known for script ${target.scriptId}; ${remedy}`);
  }
  return withClasp(target, async (clasp) => {
    await push(clasp);
    const { versionNumber } = deployed.parse(
      JSON.parse(await clasp.run('update-deployment', deploymentId, '--description', description, '--json')),
    );
    return `Deployment ${deploymentId} is at version ${versionNumber}: ${description}.`;
  });
}
