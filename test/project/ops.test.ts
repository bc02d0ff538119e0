/** `ops/`: what alerts and dashboard ask for exists, alerts lead to a place in the runbook, and the page of monitoring has them all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { headingsOf, readText, rowsOf, section, spansOf } from '../support/documents.js';
import { ROOT } from '../support/source-files.js';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const Rule = z.object({
  alert: z.string(),
  expr: z.string(),
  for: z.string(),
  labels: z.object({ severity: z.enum(['page', 'ticket']) }),
  annotations: z.object({ summary: z.string(), runbook_url: z.string() }),
});
const { groups } = z
  .object({ groups: z.array(z.object({ rules: z.array(Rule) })) })
  .parse(parse(read('ops/alerts.yml')));
const rules = groups.flatMap((group) => group.rules);
const page = readText('docs/monitoring.md');

/** By type; what is not in the table is of Node. The table is held to what `/metrics` prints by test/http/metrics.test.ts. */
const metrics = new Map(
  rowsOf(section(page, '## Metrics')).map(([name = '', type = '']) => [spansOf(name)[0] ?? '', type]),
);

interface Used {
  readonly name: string;
  readonly labels: readonly string[];
}

/** Names with the labels that are asked for in braces behind them. */
function usedIn(expression: string): Used[] {
  return [...expression.matchAll(/stripe_blnk_sync_(\w+)(?:\{([^}]*)\})?/g)].map(([, name = '', braces = '']) => ({
    name,
    labels: [...braces.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label),
  }));
}

function problemsOf({ name, labels }: Used): string[] {
  if (/^(process|nodejs)_/.test(name)) return [];
  const found = [...metrics].find(([spelled, type]) => {
    const plain = spelled.replace(/\{.*/, '');
    return plain === name || (type === 'histogram' && `${plain}_bucket` === name);
  });
  if (found === undefined) return [`no metric ${name}`];
  const known = ['job', 'instance', 'le', ...(/\{(.*)\}/.exec(found[0])?.[1]?.split(',') ?? [])];
  return labels.filter((label) => !known.includes(label)).map((label) => `${name} has no label ${label}`);
}

describe('alerts', () => {
  it('ask for metrics and labels that there are', () => {
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.flatMap(({ expr }) => usedIn(expr).flatMap(problemsOf))).toEqual([]);
    // The check is in force.
    expect(usedIn('max(stripe_blnk_sync_parked{cause="x"})').flatMap(problemsOf)).toEqual([
      'parked has no label cause',
    ]);
    expect(usedIn('stripe_blnk_sync_parkt').flatMap(problemsOf)).toEqual(['no metric parkt']);
  });

  it('lead to a place in the runbook that there is', () => {
    const headings = headingsOf(readText('docs/runbook.md'));
    const places = rules.map(
      ({ annotations }) => /^\{\{ \$externalLabels\.pages \}\}\/runbook#(.+)$/.exec(annotations.runbook_url)?.[1],
    );
    expect(places.filter((place) => place === undefined || !headings.includes(place))).toEqual([]);
  });

  it('are on the page of monitoring, with their severity, and each is tried', () => {
    const documented = rowsOf(section(page, '## Alerts')).map(([name = '', severity]) => [spansOf(name)[0], severity]);
    expect(documented).toEqual(rules.map(({ alert, labels }) => [alert, labels.severity]));
    const tests = read('ops/alerts.test.yml');
    expect(rules.filter(({ alert }) => !new RegExp(`alertname: ${alert}\\n +exp_alerts`).test(tests))).toEqual([]);
  });
});

describe('the dashboard', () => {
  const text = read('ops/grafana/dashboard.json');

  it('asks for metrics and labels that there are', () => {
    const dashboard = z
      .object({ panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })) })
      .parse(JSON.parse(text));
    const asked = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.flatMap((expression) => usedIn(expression).flatMap(problemsOf))).toEqual([]);
  });

  it('is provisioned where Compose puts it', () => {
    const provisioned = parse(read('ops/grafana/provisioning/dashboards/stripe-blnk-sync.yml')).providers[0].options
      .path;
    expect(read('docker-compose.yml')).toContain(`./ops/grafana/dashboard.json:${provisioned}/`);
  });
});

it('Prometheus scrapes the worker of Compose with the token that its service writes', () => {
  const { scrape_configs: jobs, rule_files: files } = parse(read('ops/prometheus.yml'));
  expect(files).toEqual(['alerts.yml']);
  expect(jobs[0].static_configs[0].targets).toEqual(['worker:3000']);
  const { entrypoint } = parse(read('docker-compose.yml'), { merge: true }).services.prometheus;
  expect(entrypoint.join('\n')).toContain(`> ${jobs[0].authorization.credentials_file}`);
});
