import { PlaneError } from '../../../functions/core/errors.ts';
import type { Errand } from '../errands.ts';
import { readId, type Scene } from './scene.ts';

const transferMs = 30 * 60_000;

/** Streams an archive of workspace and state to the plane while OpenClaw runs. */
export const createBackup =
  ({ folder, agent, openclaw, program, reader, session }: Scene): Errand =>
  async (args, signal) => {
    const id = readId(args, 'backupId');
    const names = await reader.names();
    const secrets = await reader.read(names);
    // Archives need tar and zlib, which stay out of memory until then.
    const { openArchive } = await import('../archive/transfer.ts');
    const { source, finished } = openArchive({ folder, agent, openclaw: openclaw.current(), program }, secrets);
    const sent = session.call(`/agent/backups/${id}`, { method: 'PUT', source, timeoutMs: transferMs, signal });
    // The reason why an archive broke off is better than the word that the transfer did.
    const [made, answered] = await Promise.allSettled([finished, sent]);
    if (made.status === 'rejected' && answered.status === 'rejected' && !signal.aborted) throw made.reason;
    if (answered.status === 'rejected') throw answered.reason;
    const { status } = answered.value;
    if (status !== 200 && status !== 204) throw new PlaneError('unavailable', `cannot back up: the plane answers ${status}`);
    if (made.status === 'rejected') throw made.reason;
    return `backup ${id} is stored`;
  };
