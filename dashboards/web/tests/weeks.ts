// The two weeks of a demo: for what a single day does not show, and for pictures.
import type { TestProject } from 'vitest/node'
import { serve } from './server'

// Pictures and waits show what whoever starts the demo sees; for tests a part of it will do,
// as long as a provider has messages enough for an alert.
const SOME = ['--messages', '30000']

export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return serve(project, ['pictures', 'speed'].includes(project.name) ? [] : SOME, () => Promise.resolve())
}
