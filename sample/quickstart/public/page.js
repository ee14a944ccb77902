// @ts-check

/**
 * What the page keeps of a token response.
 * @typedef {{ accessToken: string, refreshToken?: string, expiresAtMs: number, provider?: string }} Tokens
 */

/**
 * An identity provider, as the application lists it.
 * @typedef {{ name: string, title: string, loginUrl: string }} Provider
 */

const routes = {
  providers: '/api/auth/v2/providers',
  token: '/api/auth/v2/token',
  device: '/api/auth/v2/device',
  revoke: '/api/auth/v2/revoke',
  logout: '/api/auth/v2/logout',
};
const storageKey = 'quickstart.tokens';
const noticeKey = 'quickstart.notice';
const redirectUri = `${location.origin}/`;

/** @type {readonly Provider[]} */
let providers = [];
/** @type {Tokens | undefined} */
let tokens;
/** Set while a device login is waiting; aborting it ends the polling. @type {AbortController | undefined} */
let waiting;

/** A refusal with the words that a person should read. */
class Refusal extends Error {
  /**
   * @param {string} code the OAuth error code (RFC 6749 §5.2, RFC 8628 §3.5)
   * @param {string} words
   * @param {number} status
   */
  constructor(code, words, status) {
    super(words);
    this.code = code;
    this.status = status;
  }
}

await start();

async function start() {
  const publicUrl = document.body.dataset.publicUrl;
  if (publicUrl && location.origin !== publicUrl) {
    location.replace(publicUrl); // redirect URIs and cookies belong to that address alone
    return;
  }
  listen('refresh', refresh);
  listen('logout', logOut);
  listen('call-me', () => call('/api/me'));
  listen('call-admin', () => call('/api/admin'));
  listen('call-partners', () => call('/api/partners'));
  listen('call-feed', () => call('/api/feed'));
  element('device-cancel').addEventListener('click', () => waiting?.abort());
  setInterval(showExpiry, 1000);

  await attempt(listProviders);
  keep(stored());
  const notice = sessionStorage.getItem(noticeKey);
  sessionStorage.removeItem(noticeKey);
  if (notice) say(notice, 'good');
  await attempt(finishLogin);
}

// Logging in and out

/** Which identity providers there are is the application's to say: a button for each. */
async function listProviders() {
  const response = await reach(routes.providers, {});
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  providers = await response.json();
  for (const provider of providers) {
    const login = providerButton(`login-${provider.name}`, `Log in with ${provider.title}`);
    login.className = 'primary';
    element('logins').append(login);
    listen(login.id, () => logIn(provider));

    const device = providerButton(`device-${provider.name}`, `Code from ${provider.title}`);
    element('devices').append(device);
    listen(device.id, () => logInByDevice(provider));
  }
}

/** @param {Provider} provider */
async function logIn({ loginUrl }) {
  const login = new URL(loginUrl);
  login.searchParams.set('redirect_uri', redirectUri);
  login.searchParams.set('offline_access', 'true');
  location.assign(login);
}

/** The provider has sent the browser back: with a code, or with the reason why there is none. */
async function finishLogin() {
  const answer = new URLSearchParams(location.search);
  const [code, state, error, iss] = ['code', 'state', 'error', 'iss'].map((name) =>
    answer.get(name),
  );
  if (!error && !(code && state)) return;
  history.replaceState(null, '', location.pathname); // a reload must not send the code again
  if (error) {
    const words = answer.get('error_description') ?? 'The identity provider refused the login.';
    throw new Refusal(error, error === 'access_denied' ? 'The login was cancelled.' : words, 400);
  }
  say('Finishing the login …');
  const login = { code: String(code), state: String(state), redirect_uri: redirectUri };
  keep(await requestTokens(iss ? { ...login, iss } : login)); // by iss the code says whose it is (RFC 9207)
  say('You are logged in.', 'good');
}

async function refresh() {
  if (!tokens?.refreshToken) {
    throw new Refusal('invalid_grant', 'There is no refresh token. Please log in again.', 400);
  }
  try {
    keep(await requestTokens({ refresh_token: tokens.refreshToken }));
    say('The token was refreshed.', 'good');
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'invalid_grant') throw error;
    keep(undefined);
    throw new Refusal(error.code, 'Your session has ended. Please log in again.', error.status);
  }
}

/** A navigation cannot carry a bearer token, so the tokens are revoked first. */
async function logOut() {
  if (!tokens) return;
  const { provider } = tokens;
  const token = tokens.refreshToken ?? tokens.accessToken;
  try {
    await post(routes.revoke, { token });
    sessionStorage.setItem(noticeKey, 'You are logged out.');
  } finally {
    keep(undefined);
    const query = new URLSearchParams({ post_logout_redirect_uri: '/' });
    if (provider) query.set('provider', provider); // whose session shall end
    location.assign(`${routes.logout}?${query}`);
  }
}

// Logging in on another device (RFC 8628)

/** @param {Provider} provider */
async function logInByDevice({ name }) {
  const device = await post(routes.device, { provider: name });
  const controller = new AbortController();
  waiting = controller;
  const expiresAtMs = Date.now() + device.expires_in * 1000;
  element('user-code').textContent = device.user_code;
  const link = elementOf('device-link', HTMLAnchorElement);
  link.href = device.verification_uri_complete ?? device.verification_uri;
  showDevice(true);
  link.focus(); // the button that had the focus is gone now
  sayOfDevice('Waiting for you to log in there …');
  const timer = setInterval(() => {
    element('device-expiry').textContent = `It is valid for ${duration(expiresAtMs)}.`;
  }, 1000);
  try {
    const { device_code: deviceCode, interval } = device;
    keep(await pollForTokens({ deviceCode, interval, expiresAtMs, signal: controller.signal }));
    sayOfDevice('');
    say('You are logged in by the other device.', 'good');
  } catch (error) {
    sayOfDevice(wordsOf(error), controller.signal.aborted ? '' : 'error');
  } finally {
    clearInterval(timer);
    element('device-expiry').textContent = '';
    waiting = undefined;
    showDevice(false);
  }
}

/**
 * @param {{ deviceCode: string, interval?: number, expiresAtMs: number, signal: AbortSignal }} login
 * @returns {Promise<Tokens>}
 */
async function pollForTokens({ deviceCode, interval = 5, expiresAtMs, signal }) {
  let pauseSec = interval;
  while (Date.now() < expiresAtMs) {
    await pause(pauseSec, signal);
    try {
      return await requestTokens({ device_code: deviceCode });
    } catch (error) {
      if (!(error instanceof Refusal)) continue; // the network failed: the code is still good
      if (error.code === 'access_denied') {
        throw new Refusal(error.code, 'The login was refused on the other device.', 400);
      }
      if (error.code === 'expired_token') break;
      if (error.code === 'slow_down') pauseSec += 5;
      else if (error.code !== 'authorization_pending' && error.status < 500) throw error;
    }
  }
  throw new Refusal('expired_token', 'The code has expired. Get a new one.', 400);
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('Cancelled.'));
    });
  });
}

// Requests

/** @param {string} path */
async function call(path) {
  const response = await reach(path, { headers: bearer(tokens?.accessToken) });
  const answer = await response.text();
  const title = document.createElement('p');
  const status = document.createElement('strong');
  status.className = response.ok ? 'good' : 'error';
  status.textContent = `${response.status} ${response.statusText}`;
  title.append(`GET ${path} → `, status);
  const parts = [title];
  const challenge = response.headers.get('WWW-Authenticate');
  if (challenge) parts.push(paragraph(`WWW-Authenticate: ${challenge}`, 'header'));
  const body = document.createElement('pre');
  body.textContent = indented(answer);
  const output = element('response');
  output.replaceChildren(...parts, body);
  output.hidden = false;
}

/**
 * @param {Record<string, string>} fields
 * @returns {Promise<Tokens>}
 */
async function requestTokens(fields) {
  const answer = await post(routes.token, fields);
  const provider = await providerOf(answer.access_token);
  return {
    provider,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresAtMs: Date.now() + answer.expires_in * 1000,
  };
}

/**
 * The API knows with which provider its caller has logged in; a token of a provider itself does not say it by our name.
 * @param {string} accessToken
 * @returns {Promise<string | undefined>}
 */
async function providerOf(accessToken) {
  const response = await fetch('/api/me', { headers: bearer(accessToken) }).catch(() => undefined);
  return response?.ok ? (await response.json()).provider : undefined;
}

/** @param {string | undefined} accessToken */
function bearer(accessToken) {
  return accessToken ? { Authorization: `Bearer ${accessToken}` } : undefined;
}

/**
 * @param {string} path
 * @param {Record<string, string>} fields
 */
async function post(path, fields) {
  const response = await reach(path, { method: 'POST', body: new URLSearchParams(fields) });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const words = answer.error_description ?? `The server answered ${response.status}.`;
  throw new Refusal(answer.error ?? 'server_error', words, response.status);
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function reach(path, init) {
  try {
    return await fetch(path, init);
  } catch (cause) {
    throw new Error('The application cannot be reached. Is it running?', { cause });
  }
}

// Tokens in this tab. A script injected into the page could read them: where that matters, keep them out of
// the browser.

/** @returns {Tokens | undefined} */
function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {Tokens | undefined} next */
function keep(next) {
  tokens = next;
  if (next) sessionStorage.setItem(storageKey, JSON.stringify(next));
  else sessionStorage.removeItem(storageKey);
  show();
}

// Showing

function show() {
  const claims = tokens ? claimsOf(tokens.accessToken) : undefined;
  element('signed-out').hidden = tokens !== undefined;
  element('signed-in').hidden = tokens === undefined;
  element('claims-section').hidden = claims === undefined;
  const username = stringOf(claims?.preferred_username) ?? stringOf(claims?.sub) ?? 'somebody';
  element('user').textContent = stringOf(claims?.given_name) ?? username;
  element('username').textContent = username;
  const provider = providers.find(({ name }) => name === tokens?.provider);
  element('by').hidden = provider === undefined;
  element('provider').textContent = provider?.title ?? '';
  element('refresh').hidden = !tokens?.refreshToken;
  element('claims').replaceChildren(...Object.entries(claims ?? {}).map(claimRow));
  showExpiry();
}

/** @param {[string, unknown]} claim */
function claimRow([name, value]) {
  const row = document.createElement('tr');
  const heading = document.createElement('th');
  heading.scope = 'row';
  heading.textContent = name;
  const cell = document.createElement('td');
  cell.append(...claimValue(name, value));
  row.append(heading, cell);
  return row;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {(string | Node)[]}
 */
function claimValue(name, value) {
  if (typeof value === 'number' && ['exp', 'iat', 'nbf', 'auth_time'].includes(name)) {
    const small = document.createElement('small');
    small.textContent = String(value);
    return [new Date(value * 1000).toLocaleString(), small];
  }
  if (name === 'scope' && typeof value === 'string') return value.split(' ').map(chip);
  if (Array.isArray(value)) return value.map((item) => chip(String(item)));
  if (isRecord(value) && Array.isArray(value.roles)) {
    return ['roles: ', ...value.roles.map((role) => chip(String(role)))];
  }
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

/** @param {string} text */
function chip(text) {
  const node = document.createElement('span');
  node.className = 'chip';
  node.textContent = text;
  return node;
}

/**
 * For display only: nothing is verified here, that is the guard's work.
 * @param {string} token
 * @returns {Record<string, unknown> | undefined} `undefined` when the token is not a JWT
 */
function claimsOf(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

function showExpiry() {
  if (!tokens) return;
  const expired = tokens.expiresAtMs <= Date.now();
  const hint = tokens.refreshToken ? 'Refresh it, or log in again.' : 'Log in again.';
  element('expiry').textContent = expired
    ? `The access token has expired. ${hint}`
    : `The access token is valid for ${duration(tokens.expiresAtMs)}.`;
}

/** @param {number} untilMs */
function duration(untilMs) {
  const seconds = Math.max(0, Math.round((untilMs - Date.now()) / 1000));
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** @param {boolean} shown */
function showDevice(shown) {
  element('device-code').hidden = !shown;
  element('device-waiting').hidden = !shown;
  element('devices').hidden = shown;
}

/**
 * @param {string} words
 * @param {'' | 'good' | 'error'} kind
 */
function say(words, kind = '') {
  write('status', words, kind);
}

/**
 * @param {string} words
 * @param {'' | 'good' | 'error'} kind
 */
function sayOfDevice(words, kind = '') {
  write('device-status', words, kind);
}

/**
 * @param {string} id
 * @param {string} words
 * @param {string} kind
 */
function write(id, words, kind) {
  const node = element(id);
  node.textContent = words;
  node.className = `message ${kind}`;
}

/** @param {unknown} error */
function wordsOf(error) {
  const words = error instanceof Error ? error.message : String(error);
  return error instanceof Refusal ? `${words} (${error.code})` : words;
}

/** @param {string} text */
function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/**
 * @param {string} text
 * @param {string} className
 */
function paragraph(text, className) {
  const node = document.createElement('p');
  node.textContent = text;
  node.className = className;
  return node;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param {unknown} value */
function stringOf(value) {
  return typeof value === 'string' ? value : undefined;
}

/** @param {string} id */
function element(id) {
  return elementOf(id, HTMLElement);
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function elementOf(id, type) {
  const node = document.getElementById(id);
  if (node instanceof type) return node;
  throw new Error(`The page has no ${type.name} with the id ${id}.`);
}

/**
 * @param {string} id
 * @param {string} words
 */
function providerButton(id, words) {
  const button = document.createElement('button');
  button.type = 'button';
  button.id = id;
  button.textContent = words;
  return button;
}

/**
 * Runs the action on a click; a second click has to wait until the first is done.
 * @param {string} id
 * @param {() => Promise<void>} action
 */
function listen(id, action) {
  const button = elementOf(id, HTMLButtonElement);
  button.addEventListener('click', async () => {
    button.disabled = true;
    await attempt(action);
    button.disabled = false;
  });
}

/** @param {() => Promise<void>} action */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    say(wordsOf(error), 'error');
  }
}
