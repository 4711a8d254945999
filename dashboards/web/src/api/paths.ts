// Addresses of reports about what the page's address says. They are what "copy as curl" copies.
import { previous } from '../state/period'
import { FILTERS, type Filter, type Scope } from '../state/scope'
import { PARAMS } from './openapi'

type Route = keyof typeof PARAMS
/** ReportName names a report, or another list, as its address does after /v1/reports/ or /v1/. */
export type ReportName = Route extends infer R ? R extends `/v1/reports/${infer Name}` ? Name
  : R extends `/v1/${infer Name}` ? Name : never : never

function nameOf(route: string): string {
  return route.replace(/^\/v1\/(reports\/)?/, '')
}

/** byName makes a table of what is known of each route. */
function byName<T>(of: (route: Route) => T): Readonly<Record<ReportName, T>> {
  const routes = Object.keys(PARAMS) as Route[]
  return Object.fromEntries(routes.map((route) => [nameOf(route), of(route)])) as Record<ReportName, T>
}

const ROUTES = byName((route) => route)

/** TAKES are the filters that a report takes; one that it does not take is an error of the API. */
export const TAKES = byName((route): readonly Filter[] => {
  const takes: readonly string[] = PARAMS[route]
  return FILTERS.filter((one) => takes.includes(one))
})

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
  return pathOf(ROUTES[name], { ...asked, ...query })
}

/** before is the same scope one period earlier. */
export function before(scope: Scope): Scope {
  return { ...scope, period: previous(scope.period) }
}

/** leftOut are the filters of the scope that a report does not take. */
export function leftOut(name: ReportName, scope: Scope): readonly Filter[] {
  return (Object.keys(scope.filters) as Filter[]).filter((filter) => !TAKES[name].includes(filter))
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
