import type { Answer } from '../../shared/contract.ts';
import type { Actions } from '../actions.ts';
import { toButton } from '../actions.ts';
import type { Card } from '../card.ts';
import type { Result } from '../backend.ts';
import { backupsCard, restoreCard } from '../cards/backups.ts';
import { historyCard, rowsPerPage } from '../cards/history.ts';
import { messageCard, type Message } from '../cards/message.ts';
import { receiptCard } from '../cards/receipt.ts';
import { secretsCard } from '../cards/secrets.ts';
import { backupIsGone, doneButUnseen, toMessage } from '../failures.ts';
import { toReader } from '../reader.ts';
import { changed, push, parseTexts, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const again = (agentId: string) => toButton('Try again', 'showBackups', { agentId }, { type: 'FILLED_TONAL' });

const isGone = (agent: Result<Answer<'getAgent'>>): boolean => agent.ok && agent.value.phase === 'removed';

/** `whenUnseen` is said where the list cannot be read. */
function drawBackups(
  agentId: string,
  { backend, calls, formats }: Surroundings,
  notice?: Message,
  whenUnseen: (message: Message) => Message = (message) => notice ?? message,
): Card {
  const [list, agent, me] = backend.call(calls.backups(agentId), calls.agent(agentId), calls.me());
  if (!list.ok) return messageCard(whenUnseen(toMessage(list.failure)), [again(agentId)]);
  if (!me.ok) return messageCard(whenUnseen(toMessage(me.failure)), [again(agentId)]);
  return backupsCard(agentId, list.value, isGone(agent), toReader(me.value, formats), notice);
}

export function drawReceipt({ agentId, user }: Actions['openReceipt'], { backend, calls, formats }: Surroundings): Card {
  const [receipt, owner, me] = backend.call(calls.receipt(agentId), calls.user(user), calls.me());
  const retry = toButton('Try again', 'openReceipt', { agentId, user }, { type: 'FILLED_TONAL' });
  if (!receipt.ok) return messageCard(toMessage(receipt.failure), [retry]);
  return me.ok ? receiptCard(receipt.value, owner.ok, toReader(me.value, formats)) : messageCard(toMessage(me.failure), [retry]);
}

function drawHistory({ agentId, name, cursor, back }: Actions['showHistory'], { backend, calls, formats }: Surroundings): Card {
  const [page, me] = backend.call(calls.history(agentId, rowsPerPage, cursor), calls.me());
  const retry = toButton('Try again', 'showHistory', { agentId, name, cursor, back }, { type: 'FILLED_TONAL' });
  if (!page.ok) return messageCard(toMessage(page.failure), [retry]);
  if (!me.ok) return messageCard(toMessage(me.failure), [retry]);
  return historyCard({ agentId, name, page: page.value, cursor, back: parseTexts(back) }, toReader(me.value, formats));
}

export const careHandlers: HandlersOf<
  'openBackups' | 'showBackups' | 'askRestore' | 'restore' | 'openSecrets' | 'openReceipt' | 'openHistory' | 'showHistory'
> = {
  openBackups: ({ agentId }, _form, surroundings) => push(drawBackups(agentId, surroundings)),
  showBackups: ({ agentId }, _form, surroundings) => update(drawBackups(agentId, surroundings)),

  askRestore({ agentId, backup }, _form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const [list, agent, me] = backend.call(calls.backups(agentId), calls.agent(agentId), calls.me());
    if (!list.ok) return update(messageCard(toMessage(list.failure), [again(agentId)]));
    if (!me.ok) return update(messageCard(toMessage(me.failure), [again(agentId)]));
    const reader = toReader(me.value, formats);
    const found = list.value.backups.find(({ id }) => id === backup);
    return update(found ? restoreCard(agentId, found, reader) : backupsCard(agentId, list.value, isGone(agent), reader, backupIsGone));
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

  openReceipt: (parameters, _form, surroundings) => push(drawReceipt(parameters, surroundings)),

  openHistory: ({ agentId, name }, _form, surroundings) => push(drawHistory({ agentId, name, cursor: '', back: '[]' }, surroundings)),
  showHistory: (parameters, _form, surroundings) => update(drawHistory(parameters, surroundings)),
};
