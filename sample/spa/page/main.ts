import {
  type BrowserSessionState,
  configure,
  fetch,
  login,
  logout,
  onChange,
  session,
  wantedLogin,
} from 'nestjs-oidc-auth/browser';

/** A session as `/api/sessions` lists it. */
interface ListedSession {
  readonly id: string;
  readonly device?: string;
  readonly createdAt: string;
  readonly usedAt: string;
  readonly current: boolean;
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** When the session ends, in seconds since 1970; `undefined` while nobody is logged in. */
let ends: number | undefined;
/** Whose session is on the screen. */
let shown: string | undefined;

configure({ routes: '/api/auth/v2' });
listen('login', () => login());
listen('logout', () => logout('/'));
listen('logout-everywhere', logOutEverywhere);
listen('use', callApi);
listen('stay', callApi);
listen('show-code', showCode);
onChange((state) => {
  show(state);
  element('expiring').hidden = !state.expiring;
});
setInterval(showEnd, 1000);
// What happened while nobody looked, or while the page was kept for the back button.
addEventListener('pageshow', ({ persisted }) => persisted && attempt(look));
document.addEventListener('visibilitychange', () => document.hidden || attempt(look));
attempt(look);

/** Asks the server who is logged in. */
async function look(): Promise<void> {
  show(await session());
}

function show(state: BrowserSessionState): void {
  const wasIn = shown !== undefined;
  for (const id of ['signed-in', 'sessions', 'step-up', 'tabs'])
    element(id).hidden = !state.authenticated;
  element('signed-out').hidden = state.authenticated;
  ends = state.authenticated ? state.expires : undefined;
  showEnd();
  if (!state.authenticated) {
    shown = undefined;
    element('session-list').replaceChildren();
    element('user').textContent = '';
    hideCode();
    if (wasIn) say('You are logged out.');
    return;
  }
  const { preferred_username: name, sub, sid } = state.claims;
  element('user').textContent = name ?? sub;
  if (shown === sid) return;
  shown = sid;
  say('');
  attempt(listSessions);
}

function showEnd(): void {
  if (ends === undefined) return;
  const left = Math.max(0, Math.round(ends - Date.now() / 1000));
  const minutes = Math.floor(left / 60);
  const seconds = String(left % 60).padStart(2, '0');
  element('expiry').textContent = `Unused, it ends in ${minutes}:${seconds}.`;
}

async function callApi(): Promise<void> {
  const { name, roles } = await api<{ name: string; roles: string[] }>('/api/account');
  say(`The API knows ${name}, with the roles ${roles.join(', ')}.`);
  await look(); // the use has moved the end
}

/** The handler wants a recent login: without one the page leaves for the provider, and comes back. */
async function showCode(): Promise<void> {
  const answer = await fetch('/api/account/recovery-code', { method: 'POST' });
  const wanted = wantedLogin(answer);
  if (wanted !== undefined) return login('/', wanted);
  const { code } = await read<{ code: string }>(answer);
  element('recovery-code').textContent = code;
  element('recovery-code').hidden = false;
}

function hideCode(): void {
  element('recovery-code').textContent = '';
  element('recovery-code').hidden = true;
}

async function listSessions(): Promise<void> {
  const sessions = await api<ListedSession[]>('/api/sessions');
  element('session-list').replaceChildren(...sessions.map(rowOf));
}

function rowOf({ id, device = 'Unknown device', ...one }: ListedSession): HTMLElement {
  const name = make('p', device);
  const times = `since ${when(one.createdAt)}, last used ${when(one.usedAt)}`;
  if (one.current) name.append(Object.assign(make('span', 'this browser'), { className: 'chip' }));
  const about = make('div');
  about.append(name, make('small', times));
  const row = make('li');
  row.append(about);
  if (one.current) return row;
  const end = make('button', 'End');
  end.type = 'button';
  end.setAttribute('aria-label', `End ${device}, ${times}`);
  end.addEventListener('click', () => attempt(() => endSession(id), end));
  row.append(end);
  return row;
}

function when(written: string): string {
  const date = new Date(written);
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? time : dayAndTime).format(date);
}

async function endSession(id: string): Promise<void> {
  await api(`/api/sessions/${id}`, 'DELETE');
  await listSessions();
  say('That session has ended.');
  element('sessions-title').focus(); // the button that had the focus is gone
}

async function logOutEverywhere(): Promise<void> {
  await api('/api/sessions', 'DELETE');
  await look(); // tells the other tabs too
}

/** @throws Error with words for the person. */
async function api<Answer>(path: string, method = 'GET'): Promise<Answer> {
  return read(await fetch(path, { method }));
}

/** @throws Error with words for the person. */
async function read<Answer>(answer: Response): Promise<Answer> {
  if (answer.status === 401) throw new Error('Your session has ended. Please log in again.');
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return JSON.parse((await answer.text()) || 'null');
}

function listen(id: string, work: () => Promise<void> | void): void {
  const button = element(id);
  button.addEventListener('click', () => attempt(work, button));
}

function attempt(work: () => Promise<void> | void, button?: HTMLElement): void {
  button?.setAttribute('aria-busy', 'true');
  Promise.resolve()
    .then(work)
    .catch((error: unknown) => say(wordsOf(error), 'error'))
    .finally(() => button?.removeAttribute('aria-busy'));
}

function wordsOf(error: unknown): string {
  if (error instanceof TypeError) return 'The server cannot be reached.';
  return error instanceof Error ? error.message : String(error);
}

function say(words: string, kind = ''): void {
  element('status').textContent = words;
  element('status').className = `message ${kind}`;
}

function make<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, text = '') {
  return Object.assign(document.createElement(tag), { textContent: text });
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no #${id}`);
  return found;
}
