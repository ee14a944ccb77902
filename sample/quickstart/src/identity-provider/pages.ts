import { type Html, html } from '../html.js';
import type { ProviderSettings } from './provider-settings.js';

/** What a scope means to the person who is asked for it. */
const scopeMeanings: Readonly<Record<string, string>> = {
  openid: 'recognise you when you come back',
  profile: 'see your name and your user name',
  email: 'see your e-mail address',
  myscope: 'use the sample API in your name',
  offline_access: 'stay logged in until you log out or revoke it',
};

const autofocus = html`autofocus`;

function alert(problem: string | undefined): Html | undefined {
  if (problem === undefined) return undefined;
  return html`<p class="message error" role="alert">${problem}</p>`;
}

/** The pages of one identity provider. */
export class Pages {
  constructor(private readonly settings: ProviderSettings) {}

  login({
    action,
    clientName,
    username = '',
    problem,
  }: {
    action: string;
    clientName: string;
    username?: string;
    problem?: string;
  }): string {
    return this.#layout(
      'Log in',
      html`
        <h1>Log in</h1>
        <p class="lead">to go on to <strong>${clientName}</strong></p>
        ${alert(problem)}
        <form method="post" action="${action}">
          <label for="username">User name</label>
          <input
            id="username"
            name="login"
            value="${username}"
            autocomplete="username"
            autocapitalize="none"
            spellcheck="false"
            required
            ${problem === undefined ? autofocus : undefined}
          />
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            ${problem === undefined ? undefined : autofocus}
          />
          <div class="actions">
            <button id="submit" class="primary">Log in</button>
            <button id="cancel" name="cancel" value="yes" formnovalidate>Cancel</button>
          </div>
        </form>
        <aside class="note">
          <p>Users of ${this.settings.title}:</p>
          <ul>
            ${this.settings.accounts.map(
              ({ username: name, password, roles }) =>
                html`<li>
                  <code>${name}</code>, password <code>${password}</code>
                  ${roles.includes('admins') ? ' (an administrator)' : ''}
                </li>`,
            )}
          </ul>
        </aside>
      `,
    );
  }

  consent({
    action,
    clientName,
    username,
    scopes,
  }: {
    action: string;
    clientName: string;
    username: string;
    scopes: readonly string[];
  }): string {
    return this.#layout(
      'Allow access',
      html`
        <h1>Allow access?</h1>
        <p class="lead">
          You are logged in as <strong>${username}</strong>. <strong>${clientName}</strong> asks to
        </p>
        <ul class="list">
          ${scopes.map((scope) => html`<li>${scopeMeanings[scope] ?? `use the scope ${scope}`}</li>`)}
        </ul>
        <form method="post" action="${action}">
          <div class="actions">
            <button id="submit" class="primary" autofocus>Allow</button>
            <button id="cancel" name="cancel" value="yes">Cancel</button>
          </div>
        </form>
      `,
    );
  }

  deviceCode({
    action,
    xsrf,
    userCode = '',
    problem,
  }: {
    action: string;
    xsrf: string;
    userCode?: string;
    problem?: string;
  }): string {
    return this.#layout(
      'Connect a device',
      html`
        <h1>Connect a device</h1>
        <p class="lead">Type the code that your device shows.</p>
        ${alert(problem)}
        <form method="post" action="${action}">
          <input type="hidden" name="xsrf" value="${xsrf}" />
          <label for="user-code">Code</label>
          <input
            id="user-code"
            class="code"
            name="user_code"
            value="${userCode}"
            placeholder="XXXX-XXXX"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck="false"
            required
            autofocus
          />
          <div class="actions">
            <button id="submit" class="primary">Continue</button>
          </div>
        </form>
      `,
    );
  }

  /** `form` comes from the provider: an empty form with the hidden fields that the two buttons send. */
  deviceConfirm({
    form,
    clientName,
    userCode,
  }: {
    form: Html;
    clientName: string;
    userCode: string;
  }): string {
    return this.#layout(
      'Connect a device',
      html`
        <h1>Is this your device?</h1>
        <p class="lead">
          A device asks to be logged in to <strong>${clientName}</strong> in your name. It shows
          this code:
        </p>
        <p class="code">${userCode}</p>
        <p>
          Continue only if you see the same code on a device of yours, where you have just asked for
          it. If somebody sent you here, cancel.
        </p>
        ${form}
        <div class="actions">
          <button id="submit" class="primary" form="op.deviceConfirmForm" autofocus>
            Continue
          </button>
          <button id="cancel" form="op.deviceConfirmForm" name="abort" value="yes">Cancel</button>
        </div>
      `,
    );
  }

  deviceSuccess(clientName: string): string {
    return this.message(
      'Device connected',
      `Your device is now logged in to ${clientName}. You can close this page.`,
    );
  }

  /** `form` as in {@link Pages.deviceConfirm}. */
  logout(form: Html): string {
    return this.#layout(
      'Log out',
      html`
        <h1>Log out?</h1>
        <p class="lead">
          You can end your session at ${this.settings.title}, too. Otherwise the next login needs no
          password.
        </p>
        ${form}
        <div class="actions">
          <button
            id="submit"
            class="primary"
            form="op.logoutForm"
            name="logout"
            value="yes"
            autofocus
          >
            Log out
          </button>
          <button id="cancel" form="op.logoutForm">Stay logged in</button>
        </div>
      `,
    );
  }

  message(title: string, text: string): string {
    return this.#layout(
      title,
      html`
        <h1>${title}</h1>
        <p class="lead">${text}</p>
      `,
    );
  }

  front(): string {
    return this.#layout(
      'Identity provider',
      html`
        <h1>${this.settings.title}</h1>
        <p class="lead">
          Applications send you here to log in. There is nothing else to do on this page, except to
          <a href="/device">connect a device</a>.
        </p>
      `,
    );
  }

  #layout(title: string, content: Html): string {
    return html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${title} · ${this.settings.title}</title>
          <link rel="icon" href="/icon.svg" type="image/svg+xml" />
          <link rel="stylesheet" href="/style.css" />
        </head>
        <body class="idp ${this.settings.name}">
          <header>
            <p class="brand">${this.settings.title} <span>quickstart</span></p>
          </header>
          <main><section class="card">${content}</section></main>
        </body>
      </html>`.text;
  }
}
