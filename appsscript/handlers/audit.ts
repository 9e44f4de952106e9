import { fieldNames, toButton, type Actions } from '../actions.ts';
import { isAddress, parseAuditFilter, toAuditFilter, type AuditFilter } from '../audit-filter.ts';
import type { Button, Card } from '../card.ts';
import { auditCard, rowsPerPage, type AuditPage } from '../cards/audit.ts';
import { messageCard } from '../cards/message.ts';
import { toMessage } from '../failures.ts';
import { toReader } from '../reader.ts';
import { first, notify, push, parseTexts, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const everything: Actions['showAudit'] = { filter: '{}', cursor: '', back: '[]' };
const tryAgain: Button = toButton('Try again', 'showAudit', everything, { type: 'FILLED_TONAL' });

/** More than one is too many already. */
const mostNamed = 10;

type Changes = Pick<AuditPage, 'verification' | 'notice'>;

function drawAudit(
  filter: AuditFilter,
  cursor: string,
  back: string,
  { backend, calls, formats }: Surroundings,
  changes: Changes = {},
): Card {
  const { agent: _typed, ...query } = filter;
  const [page, me] = backend.call(calls.audit(query, rowsPerPage, cursor), calls.me());
  if (!page.ok) return messageCard(toMessage(page.failure), [tryAgain]);
  if (!me.ok) return messageCard(toMessage(me.failure), [tryAgain]);
  return auditCard({ page: page.value, filter, cursor, back: parseTexts(back), ...changes }, toReader(me.value, formats));
}

export const auditHandlers: HandlersOf<'openAudit' | 'showAudit' | 'filterAudit' | 'verifyAudit'> = {
  openAudit: (_parameters, _form, surroundings) => push(drawAudit({}, '', '[]', surroundings)),
  showAudit: ({ filter, cursor, back }, _form, surroundings) => update(drawAudit(parseAuditFilter(filter), cursor, back, surroundings)),
  filterAudit(_parameters, form, surroundings) {
    const { backend, calls, nowMs } = surroundings;
    const [who, agent] = [first(form, fieldNames.who).slice(0, 320), first(form, fieldNames.agent).slice(0, 320)];
    const filter = toAuditFilter(who, agent, first(form, fieldNames.action), first(form, fieldNames.period), nowMs);
    if (agent === '' || filter.agentId !== undefined) return update(drawAudit(filter, '', '[]', surroundings));
    // Whose agent is gone may be gone as well, so agents are asked for and not the directory.
    const [living, gone] = backend.call(calls.agents({ q: agent }, mostNamed), calls.agents({ q: agent, phase: 'removed' }, mostNamed));
    if (!living.ok) return update(messageCard(toMessage(living.failure), [tryAgain]));
    if (!gone.ok) return update(messageCard(toMessage(gone.failure), [tryAgain]));
    const fits = [...living.value.agents, ...gone.value.agents].filter(
      ({ ownerEmail }) => !isAddress(agent) || ownerEmail === agent.toLowerCase(),
    );
    const [only, another] = fits;
    if (!only) return notify(`Nobody like ${agent} has or had an agent.`);
    if (another) return notify('Several people are called that. Type the whole e-mail address.');
    return update(drawAudit({ ...filter, agent: only.ownerEmail, agentId: only.agentId }, '', '[]', surroundings));
  },
  verifyAudit({ filter: json }, _form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const filter = parseAuditFilter(json);
    const { agent: _typed, ...query } = filter;
    const [found, page, me] = backend.call(calls.verifyAudit(), calls.audit(query, rowsPerPage, ''), calls.me());
    if (!page.ok) return update(messageCard(toMessage(page.failure), [tryAgain]));
    if (!me.ok) return update(messageCard(toMessage(me.failure), [tryAgain]));
    const mark: Changes = found.ok ? { verification: found.value } : { notice: toMessage(found.failure) };
    return update(auditCard({ page: page.value, filter, cursor: '', back: [], ...mark }, toReader(me.value, formats)));
  },
};
