// Addresses of reports about what the page's address says. They are what "copy as curl" copies.
import type { Filter, Scope } from '../state/scope'
import { previous } from '../state/period'

/** TAKES are the filters that a report takes; one that it does not take is an error of the API. */
const ATTEMPT: readonly Filter[] = ['channel', 'provider', 'campaign', 'template', 'sender', 'app', 'operator',
  'country', 'traffic', 'step', 'trigger']
const MESSAGE: readonly Filter[] = ['campaign', 'template', 'sender', 'traffic', 'country']
export const TAKES = {
  channels: ATTEMPT,
  latency: ATTEMPT,
  compare: ATTEMPT,
  spend: ATTEMPT,
  savings: MESSAGE,
  failures: ['channel', 'provider'],
  penetration: ['channel', 'campaign', 'template', 'traffic'],
  // Its channels are told apart, not filtered by.
  overlap: ['campaign', 'template', 'traffic'],
  'segment-waste': ['campaign', 'template', 'sender', 'traffic', 'country'],
  'dead-spend': ['channel'],
} as const satisfies Record<string, readonly Filter[]>
export type ReportName = keyof typeof TAKES

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

export function pathOf(route: string, query: Query): string {
  const q = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of typeof value === 'string' ? [value] : value) q.append(name, one)
  }
  const text = q.toString().replaceAll('%2C', ',').replaceAll('%2F', '/')
  return text ? `${route}?${text}` : route
}

/** reportPath is a report of the scope. A query of its own wins over the scope's filters. */
export function reportPath(name: ReportName, scope: Scope, query: Query = {}): string {
  const asked: Record<string, string | readonly string[] | undefined> = {
    from: scope.period.from, to: scope.period.to, tz: scope.tz, account: scope.account || undefined,
  }
  for (const filter of TAKES[name]) asked[filter] = scope.filters[filter]
  return pathOf(`/v1/reports/${name}`, { ...asked, ...query })
}

/** before is the same scope one period earlier. */
export function before(scope: Scope): Scope {
  return { ...scope, period: previous(scope.period) }
}

/** leftOut are the filters of the scope that a report does not take. */
export function leftOut(name: ReportName, scope: Scope): readonly Filter[] {
  const takes: readonly Filter[] = TAKES[name]
  return (Object.keys(scope.filters) as Filter[]).filter((filter) => !takes.includes(filter))
}

/** asFile is the same answer as a file. */
export function asFile(path: string, format: 'csv' | 'xlsx'): string {
  const [route, query] = path.split('?')
  const q = new URLSearchParams(query)
  q.set('format', format)
  if (format === 'csv') q.set('bom', '1')
  return `${route}?${q.toString()}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** asCurl is the same question for a shell; the key stays a variable, for what is copied gets around. */
export function asCurl(path: string, withKey: boolean, body?: string): string {
  const key = withKey ? ' -H "Authorization: Bearer $KASKAD_KEY"' : ''
  const json = body === undefined ? '' : ` --json ${quoted(body)}`
  return `curl -s${key} ${quoted(window.location.origin + path)}${json}`
}
