import type { IdTokenClaims, SessionInfo } from 'nestjs-oidc-auth';
import { type Html, html } from 'quickstart/html.js';

const time = new Intl.DateTimeFormat('en', { dateStyle: 'short', timeStyle: 'short' });

export function homePage(name: string | undefined): string {
  if (name !== undefined) {
    const content = html`
      <section class="card">
        <h1>Hello, ${name}</h1>
        <p class="lead">
          You are logged in by a cookie, in pages that need no JavaScript. Look at
          <a href="/profile">your profile</a>, or <a href="/sessions">where you are logged in</a>.
        </p>
      </section>
    `;
    return layout('Home', content, name);
  }
  const content = html`
    <section class="card">
      <h1>You are not logged in</h1>
      <p class="lead">
        Log in as <strong>alice</strong> (password <code>alice</code>) or as
        <strong>bob</strong> (password <code>bob</code>). Or open
        <a href="/profile">a page that asks you to</a>.
      </p>
      <p class="actions">
        <a class="button primary" href="/api/auth/v2/login?return_to=/profile">Log in</a>
      </p>
    </section>
  `;
  return layout('Home', content);
}

export function profilePage(claims: IdTokenClaims, note: string): string {
  const { preferred_username: name = claims.sub, email = '', roles = [] } = claims;
  const content = html`
    <section class="card">
      <h1>Profile</h1>
      <table>
        <tr>
          <th scope="row">Name</th>
          <td>${name}</td>
        </tr>
        <tr>
          <th scope="row">E-mail</th>
          <td>${email}</td>
        </tr>
        <tr>
          <th scope="row">Roles</th>
          <td>${roles.map((role) => html`<span class="chip">${role}</span>`)}</td>
        </tr>
      </table>
      <p>
        <a href="/profile/recovery-code">Your recovery code</a>, only after a login of the last
        minute
      </p>
    </section>
    <section class="card">
      <h2>Your note</h2>
      <p class="muted">
        The guard refuses this form where another site sends it, by what the browser says of its
        origin. It needs no hidden token.
      </p>
      <form method="post" action="/profile">
        <label for="note">Note</label>
        <input id="note" name="note" value="${note}" maxlength="200" autocomplete="off" />
        <div class="actions"><button class="primary">Save</button></div>
      </form>
    </section>
  `;
  return layout('Profile', content, name);
}

export function recoveryPage(claims: IdTokenClaims, code: string): string {
  const content = html`
    <section class="card">
      <h1>Your recovery code</h1>
      <p class="code">${code}</p>
    </section>
  `;
  return layout('Recovery code', content, claims.preferred_username ?? claims.sub);
}

export function sessionsPage(claims: IdTokenClaims, sessions: readonly SessionInfo[]): string {
  const content = html`
    <section class="card">
      <h1>Where you are logged in</h1>
      <ul class="rows">
        ${sessions.map(sessionRow)}
      </ul>
      <form method="post" action="/sessions/end">
        <div class="actions"><button>Log out everywhere</button></div>
      </form>
    </section>
  `;
  return layout('Sessions', content, claims.preferred_username ?? claims.sub);
}

function sessionRow({ id, device = 'Unknown device', current, ...times }: SessionInfo): Html {
  const [since, used] = [times.createdAt, times.usedAt].map((at) => time.format(at));
  const about = html`
    <div>
      <p>${device} ${current ? html`<span class="chip">this browser</span>` : ''}</p>
      <small>since ${since}, last used ${used}</small>
    </div>
  `;
  if (current) return html`<li>${about}</li>`;
  return html`<li>
    ${about}
    <form method="post" action="/sessions/${id}/end">
      <button aria-label="End ${device}, since ${since}">End</button>
    </form>
  </li>`;
}

export function refusalPage(text: string): string {
  const content = html`
    <section class="card">
      <h1>That was refused</h1>
      <p class="lead">${text}</p>
      <p class="actions"><a class="button" href="/profile">To your profile</a></p>
    </section>
  `;
  return layout('Refused', content);
}

function layout(title: string, content: Html, name?: string): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · nestjs-oidc-auth pages</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <header class="bar">
          <p class="brand">nestjs-oidc-auth <span>pages</span></p>
          ${name === undefined ? '' : navigation}
        </header>
        <main>${content}</main>
        <footer>These pages have no scripts.</footer>
      </body>
    </html>`.text;
}

/** Logging out changes something, so it is a form; the provider knows the way back to `/`. */
const navigation = html`
  <nav aria-label="Pages" class="bar">
    <a href="/profile">Profile</a>
    <a href="/sessions">Sessions</a>
    <form method="post" action="/api/auth/v2/logout?post_logout_redirect_uri=/">
      <button>Log out</button>
    </form>
  </nav>
`;
