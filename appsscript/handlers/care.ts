import type { Actions } from '../actions.ts';
import { toButton } from '../actions.ts';
import type { Card } from '../card.ts';
import { backupsCard, restoreCard } from '../cards/backups.ts';
import { historyCard, rowsPerPage } from '../cards/history.ts';
import { messageCard, type Message } from '../cards/message.ts';
import { secretsCard } from '../cards/secrets.ts';
import { backupIsGone, doneButUnseen, toMessage } from '../failures.ts';
import { toReader } from '../reader.ts';
import { changed, push, toCursors, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const again = (agentId: string) => toButton('Try again', 'showBackups', { agentId }, { type: 'FILLED_TONAL' });

/** `whenUnseen` is said where the list cannot be read. */
function drawBackups(
  agentId: string,
  { backend, calls, formats }: Surroundings,
  notice?: Message,
  whenUnseen: (message: Message) => Message = (message) => notice ?? message,
): Card {
  const [list, me] = backend.call(calls.backups(agentId), calls.me());
  if (!list.ok) return messageCard(whenUnseen(toMessage(list.failure)), [again(agentId)]);
  if (!me.ok) return messageCard(whenUnseen(toMessage(me.failure)), [again(agentId)]);
  return backupsCard(agentId, list.value, toReader(me.value, formats), notice);
}

function drawHistory({ agentId, name, cursor, back }: Actions['showHistory'], { backend, calls, formats }: Surroundings): Card {
  const [page, me] = backend.call(calls.history(agentId, rowsPerPage, cursor), calls.me());
  const retry = toButton('Try again', 'showHistory', { agentId, name, cursor, back }, { type: 'FILLED_TONAL' });
  if (!page.ok) return messageCard(toMessage(page.failure), [retry]);
  if (!me.ok) return messageCard(toMessage(me.failure), [retry]);
  return historyCard({ agentId, name, page: page.value, cursor, back: toCursors(back) }, toReader(me.value, formats));
}

export const careHandlers: HandlersOf<
  'openBackups' | 'showBackups' | 'askRestore' | 'restore' | 'openSecrets' | 'openHistory' | 'showHistory'
> = {
  openBackups: ({ agentId }, _form, surroundings) => push(drawBackups(agentId, surroundings)),
  showBackups: ({ agentId }, _form, surroundings) => update(drawBackups(agentId, surroundings)),

  askRestore({ agentId, backup }, _form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const [list, me] = backend.call(calls.backups(agentId), calls.me());
    if (!list.ok) return update(messageCard(toMessage(list.failure), [again(agentId)]));
    if (!me.ok) return update(messageCard(toMessage(me.failure), [again(agentId)]));
    const reader = toReader(me.value, formats);
    const found = list.value.backups.find(({ id }) => id === backup);
    return update(found ? restoreCard(agentId, found, reader) : backupsCard(agentId, list.value, reader, backupIsGone));
  },
  restore({ agentId, backup }, _form, surroundings) {
    const { backend, calls } = surroundings;
    const [result] = backend.call(calls.restore(agentId, backup));
    if (!result.ok) return update(drawBackups(agentId, surroundings, toMessage(result.failure)));
    const text = 'The backup is being brought back.';
    return changed(
      drawBackups(agentId, surroundings, undefined, (message) => doneButUnseen(text, message)),
      text,
    );
  },

  openSecrets({ agentId }, _form, { backend, calls, formats }) {
    const [list, me] = backend.call(calls.secrets(agentId), calls.me());
    if (!list.ok) return push(messageCard(toMessage(list.failure), []));
    return push(me.ok ? secretsCard(list.value, toReader(me.value, formats)) : messageCard(toMessage(me.failure), []));
  },

  openHistory: ({ agentId, name }, _form, surroundings) => push(drawHistory({ agentId, name, cursor: '', back: '[]' }, surroundings)),
  showHistory: (parameters, _form, surroundings) => update(drawHistory(parameters, surroundings)),
};
