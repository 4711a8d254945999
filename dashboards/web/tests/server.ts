// One program with the demo's data, and one browser, for all tests. The clock of both stands still.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import { NOW, type Service } from './service'
import { tellOfNumbers } from './numbers'

const PROGRAM = fileURLToPath(new URL('../../../bin/kaskad', import.meta.url))
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']
const FLAGS = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

/** freePort is one that nobody has, outside of those that the kernel gives to who does not care: it stays free. */
function freePort(tries = 20): Promise<number> {
  return new Promise((resolve, reject) => {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer().on('error', (error) => {
      if (tries > 0) resolve(freePort(tries - 1))
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)))
  })
}

/** started waits until the demo has printed its keys, the last of which is the admin's. */
function started(demo: ChildProcess): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (piece: Buffer): void => {
      text += piece.toString()
      const keys = Object.fromEntries([...text.matchAll(/^ {2}(\w+) +key=(\S+)$/gm)].map((m) => [m[1], m[2]]))
      if (keys['admin'] && keys['marketer']) resolve(keys)
    }
    demo.stdout?.on('data', read)
    demo.stderr?.on('data', (piece: Buffer) => {
      text += piece.toString()
    })
    demo.on('exit', (code) => reject(new Error(`kaskad demo ended with ${code}: ${text.slice(-2000)}`)))
  })
}

/** serve starts a demo with flags, and a browser; then gives the demo what it lacks. It returns how to end them. */
export async function serve(project: TestProject, flags: readonly string[],
  prepare: (service: Service) => Promise<void>): Promise<() => Promise<void>> {
  const path = process.env['CHROMIUM'] ?? BROWSERS.find((one) => existsSync(one))
  if (!path) throw new Error('no Chromium: apt-get install chromium, or name one in CHROMIUM')
  if (!existsSync(PROGRAM)) throw new Error('no bin/kaskad: run make build first')
  const dir = mkdtempSync(join(tmpdir(), 'kaskad-page-'))
  const address = `127.0.0.1:${await freePort()}`
  const demo = spawn(PROGRAM, ['demo', '--data', dir, '--listen', address, '--auth', 'keys', '--now', NOW,
    '--log-level', 'warn', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => demo.on('exit', () => resolve()))
  const root = process.getuid?.() === 0
  try {
    const [keys, browser] = await Promise.all([started(demo),
      chromium.launchServer({ executablePath: path, args: root ? [...FLAGS, '--no-sandbox'] : FLAGS })])
    const admin = readFileSync(join(dir, 'admin.key'), 'utf8').trim()
    const service: Service = { base: `http://${address}`, browser: browser.wsEndpoint(), keys: { ...keys, all: admin } }
    await prepare(service)
    project.provide('service', service)
    return async () => {
      await browser.close()
      demo.kill('SIGINT')
      await ended
      rmSync(dir, { recursive: true, force: true })
    }
  } catch (error) {
    demo.kill('SIGINT')
    await ended
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
}

/** setup serves a single day, which is enough for most tests. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return serve(project, ['--days', '1', '--messages', '6000'], tellOfNumbers)
}
