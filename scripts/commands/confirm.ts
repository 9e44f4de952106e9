import { PlaneError } from '../../functions/core/errors.ts';
import type { Call } from './command.ts';

const unasked = (what: string): PlaneError =>
  new PlaneError('invalid', `cannot ${what} without a yes: nobody is here to ask; add --yes, or look first with --dry-run`);

/** Asks for a yes. Throws where the answer is another one. */
export async function confirm({ yes, surroundings }: Call, what: string): Promise<void> {
  if (yes) return;
  if (!surroundings.ask) throw unasked(what);
  const said = await surroundings.ask(`Really ${what}? [y/N] `);
  if (!/^y(es)?$/i.test(said.trim())) throw new PlaneError('invalid', `did not ${what}: that was no yes; nothing was changed`);
}

/** Asks for the name of what is destroyed, typed out. */
export async function confirmName({ yes, surroundings }: Call, what: string, name: string): Promise<void> {
  if (yes) return;
  if (!surroundings.ask) throw unasked(what);
  const said = await surroundings.ask(`This will ${what}. Type ${name} to go on: `);
  if (said.trim() !== name) throw new PlaneError('invalid', `did not ${what}: ${name} was not typed; nothing was changed`);
}
