import { fieldNames, toButton } from '../actions.ts';
import type { Card } from '../card.ts';
import { costsCard, isCostGroup, isCostPeriod } from '../cards/costs.ts';
import { messageCard } from '../cards/message.ts';
import { bugInAddOn, toMessage } from '../failures.ts';
import { toReader } from '../reader.ts';
import { first, push, update, type HandlersOf, type Surroundings } from './surroundings.ts';

function drawCosts(by: string, period: string, { backend, calls, formats }: Surroundings): Card {
  const [group, time] = [isCostGroup(by) ? by : 'department', isCostPeriod(period) ? period : 'month'] as const;
  const [report, me] = backend.call(calls.costs(time, group), calls.me());
  const retry = toButton('Try again', 'showCosts', {}, { type: 'FILLED_TONAL' });
  if (!report.ok) return messageCard(toMessage(report.failure), [retry]);
  if (!me.ok) return messageCard(toMessage(me.failure), [retry]);
  return costsCard(report.value, time, toReader(me.value, formats));
}

export const costHandlers: HandlersOf<'openCosts' | 'showCosts' | 'downloadCosts'> = {
  openCosts: (_parameters, _form, surroundings) => push(drawCosts('department', 'month', surroundings)),
  showCosts: (_parameters, form, surroundings) =>
    update(drawCosts(first(form, fieldNames.by), first(form, fieldNames.period), surroundings)),
  downloadCosts({ by, period }, _form, { backend, calls }) {
    const [ticket] = backend.call(calls.download(period, isCostGroup(by) ? by : 'department'));
    if (!ticket.ok) return push(messageCard(toMessage(ticket.failure), []));
    const { url } = ticket.value;
    return /^https?:\/\//.test(url) ? { action: { link: { url } } } : push(messageCard(bugInAddOn, []));
  },
};
