import { PlaneError } from '../../functions/core/errors.ts';
import { readPlane } from '../../functions/plane-file.ts';
import type { Plane } from '../../shared/plane.ts';

const wanted = { identity: 'google-workspace', infrastructure: 'local', secrets: 'local', networking: 'direct' } as const;

/** Reads a planes.yaml for the embedded plane; all that is wrong comes in one message and nothing is started. */
export function readPlaneFile(file: string): Plane {
  const plane = readPlane(file, 'name a planes.yaml with --config');
  const foreign = Object.entries(wanted).filter(([kind, name]) => plane.spec[kind as keyof typeof wanted].provider !== name);
  if (foreign.length === 0) return plane;
  const list = foreign.map(
    ([kind, name]) =>
      `  spec.${kind}.provider: found ${JSON.stringify(plane.spec[kind as keyof typeof wanted].provider)}; allowed: ${name}`,
  );
  throw new PlaneError('invalid', `cannot run ${file} on this machine:\n${list.join('\n')}`);
}
