/** The page to log in, and the one that asks once more from here. */
import type { FC } from 'hono/jsx';
import { Shell } from './layout.js';

/** @param isUnsent whether a form led here, which was not taken */
export const Login: FC<{ readonly next: string; readonly isUnsent: boolean; readonly problem: string | null }> = ({
  next,
  isUnsent,
  problem,
}) => (
  <Shell title="Log in">
    <main id="content">
      <h1>Log in</h1>
      <p>Pages of this mirror need a token: ADMIN_TOKEN may change things, VIEWER_TOKEN may read.</p>
      {isUnsent ? (
        <p class="answer attention">
          Nothing was done: the session had ended when the form was sent. Log in, and send it again.
        </p>
      ) : (
        ''
      )}
      {problem === null ? '' : <p class="answer bad">{problem}</p>}
      <form method="post" action="/login">
        <input type="hidden" name="next" value={next} />
        {isUnsent ? <input type="hidden" name="unsent" value="true" /> : ''}
        {/* For password managers, which keep a token by a name. */}
        <input type="text" name="username" value="stripe-blnk-sync" autocomplete="username" hidden readonly />
        <p>
          <label>
            Token
            <br />
            <input type="password" name="token" required autocomplete="current-password" size={40} />
          </label>
        </p>
        <button type="submit" class="first">
          Log in
        </button>
      </form>
    </main>
  </Shell>
);

/** Where no token is set: there is nothing to log in with, and no need to. */
export const NoLogin: FC<{ readonly next: string }> = ({ next }) => (
  <Shell title="Log in">
    <main id="content">
      <h1>No log-in is needed</h1>
      <p>ADMIN_TOKEN is not set, so there is no token that these pages could ask for. Once it is set, they do.</p>
      <p>
        <a href={next}>To the pages</a>
      </p>
    </main>
  </Shell>
);

/** What a link for one log-in opens. Only the button logs in. */
export const LoginByLink: FC<{ readonly secret: string }> = ({ secret }) => (
  <Shell title="Log in">
    <main id="content">
      <h1>Log in</h1>
      <p>This link logs in one browser, once. The session lasts 12 hours.</p>
      <form method="post" action="/login/link">
        <input type="hidden" name="secret" value={secret} />
        <button type="submit" class="first">
          Log in
        </button>
      </form>
    </main>
  </Shell>
);

/** Once, for whoever follows a link from elsewhere: the browser sends the session with a request of the site's own. */
export const Again: FC<{ readonly path: string }> = ({ path }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Stripe → Blnk</title>
      <meta http-equiv="refresh" content={`0; url=${path}`} />
    </head>
    <body>
      <p>
        <a href={path}>Go on</a>
      </p>
    </body>
  </html>
);
