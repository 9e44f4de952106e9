import { toButton } from '../actions.ts';
import type { Button, Card } from '../card.ts';
import { messageCard } from '../cards/message.ts';
import { settingsCard } from '../cards/settings.ts';
import { toMessage } from '../failures.ts';
import { toReader } from '../reader.ts';
import { push, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const tryAgain: Button = toButton('Test again', 'showSettings', {}, { type: 'FILLED_TONAL' });

function drawSettings({ backend, calls, formats, planeId }: Surroundings): Card {
  const [diagnosis, models, me] = backend.call(calls.diagnosis(), calls.models(), calls.me());
  if (!me.ok) return messageCard(toMessage(me.failure), [tryAgain]);
  if (!diagnosis.ok) return messageCard(toMessage(diagnosis.failure), [tryAgain]);
  if (!models.ok) return messageCard(toMessage(models.failure), [tryAgain]);
  const page = { planeId, diagnosis: diagnosis.value, models: models.value.models, me: me.value };
  return settingsCard(page, toReader(me.value, formats));
}

export const settingsHandlers: HandlersOf<'openSettings' | 'showSettings'> = {
  openSettings: (_parameters, _form, surroundings) => push(drawSettings(surroundings)),
  showSettings: (_parameters, _form, surroundings) => update(drawSettings(surroundings)),
};
