// The two weeks of a demo, whole: pictures and waits show what whoever starts the demo sees.
import type { TestProject } from 'vitest/node'
import { serve } from './server'

export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return serve(project, [], () => Promise.resolve())
}
