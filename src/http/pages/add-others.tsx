/** What people did, and what is configured. */
import type { Hono } from 'hono';
import { ACTION_KINDS } from '../../core/base/action.js';
import type { Environment } from '../access.js';
import { given } from '../given.js';
import { commandOf, olderOf, oneOf, pathOf, queryOf } from './addresses.js';
import { mirrorOf, type PagesPorts, ROWS, render } from './frame.js';
import { Actions, Settings } from './others.js';

export function addOthers(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/actions', async (c) => {
    const { about: subject, kind: asked, after } = queryOf(c, ['about', 'kind', 'after']);
    const kind = oneOf(ACTION_KINDS, asked);
    const position = /^\d{1,18}$/.test(after ?? '') ? after : undefined;
    const page = await ports.reads.actions({ limit: ROWS, ...given({ subject, kind, after: position }) });
    const about = {
      ...{ title: 'Actions', place: '/actions', mirror: await mirrorOf(ports), isLive: after === undefined },
      same: {
        command: commandOf(['actions'], given({ about: subject, kind })),
        api: pathOf('/actions', given({ subject, kind })),
      },
    };
    const older = olderOf('/actions', given({ about: subject, kind }), page.next);
    return render(
      c,
      ports,
      about,
      <Actions page={page} about={subject ?? null} isFirst={after === undefined} now={ports.now()} older={older} />,
    );
  });
  app.get('/settings', async (c) => {
    const status = await ports.reads.status();
    const about = {
      title: 'Settings',
      place: '/settings',
      mirror: status.mirror,
      same: { command: null, api: '/settings' },
    };
    return render(c, ports, about, <Settings settings={ports.settings()} status={status} />);
  });
}
