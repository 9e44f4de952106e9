const sentences = {
  401: 'You are not signed in to this plane.',
  403: 'This is not allowed.',
  404: 'It is not there any more.',
  409: 'Someone else changed this at the same time. Look again, then retry.',
  412: 'Someone else changed this at the same time. Look again, then retry.',
  429: 'Too many requests at once. Wait a moment.',
};

/** A failed call, as a sentence for people. `status` is 0 when nothing answered. */
export class CallError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Both shapes in use: Google's `{error: {message}}` and problem details' `{detail}`. */
function toSentence(status, body) {
  const said = typeof body?.error === 'string' ? body.error : (body?.error?.message ?? body?.detail);
  const known = sentences[status] ?? (status >= 500 ? 'The plane had a problem.' : `The plane refused this (${status}).`);
  return typeof said === 'string' && said !== '' ? `${known} It said: ${said}` : known;
}

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new CallError(0, 'The plane does not answer. Is it still running? `npm start` starts it.');
  }
  const text = await response.text();
  let parsed;
  try {
    parsed = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new CallError(response.status, `Something that is not the plane answered (${response.status}).`);
  }
  if (!response.ok) throw new CallError(response.status, toSentence(response.status, parsed));
  return parsed;
}

const directory = '/google/admin/directory/v1/users';
const keyed = (key) => `${directory}/${encodeURIComponent(key)}`;

/** Google's search language: each word must begin a name or an address. */
const toQuery = (search) =>
  search
    .replaceAll('\\', '')
    .split(/\s+/)
    .map((word) => (word.includes('@') ? `email:${word}*` : `'${word.replaceAll("'", "\\'")}'`))
    .join(' ');

export const session = () => call('GET', '/console/session');

/** One click in the add-on: `{result}` or `{error}`. */
export const runAddon = (functionName, event, user) => call('POST', '/console/addon', { functionName, event, user });

/** At most a hundred; `more` says that there are others. */
export async function listUsers({ search = '', deleted = false } = {}) {
  const query = new window.URLSearchParams({ customer: 'my_customer', projection: 'full', maxResults: '100', orderBy: 'email' });
  if (search !== '') query.set('query', toQuery(search));
  if (deleted) query.set('showDeleted', 'true');
  const { users = [], nextPageToken } = await call('GET', `${directory}?${query}`);
  return { users, more: nextPageToken !== undefined };
}
export const getUser = (key) => call('GET', `${keyed(key)}?projection=full`);
export const updateUser = (key, changes) => call('PUT', keyed(key), changes);
export const deleteUser = (key) => call('DELETE', keyed(key));
export const undeleteUser = (id, orgUnitPath) => call('POST', `${keyed(id)}/undelete`, { orgUnitPath });

export async function listMail(to) {
  const { messages = [] } = await call('GET', `/mail/messages?to=${encodeURIComponent(to)}`);
  return messages.toSorted((a, b) => b.date.localeCompare(a.date));
}
export const sendMail = (message) => call('POST', '/mail/messages', message);
