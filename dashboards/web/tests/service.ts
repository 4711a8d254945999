/** NOW is when the tests take place: two days after the last day of the demo began. */
export const NOW = '2026-11-20T12:00:00Z'

export interface Service {
  readonly base: string
  readonly browser: string
  /** keys by scope, of the demo's account; `all` is an admin's of all accounts. */
  readonly keys: Readonly<Record<string, string>>
}

declare module 'vitest' {
  export interface ProvidedContext {
    service: Service
  }
}
