// One program with the demo's data, and one browser, for all tests that need no other data. The clock of both stands
// still.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserServer, chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import { NOW, type Service } from './service'
import { tellOfNumbers } from './numbers'

const PROGRAM = fileURLToPath(new URL('../../../bin/kaskad', import.meta.url))
// The shell has no windows to look after: it takes a fifth less of the processors.
const BROWSERS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']
// With sites apart, the browser holds a process ready for the next load of whichever window was the last, and throws it
// away for the next window: that is a process for each load.
const FLAGS = ['--disable-site-isolation-trials', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync']

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

/** Demo is a program with data of its own. */
export interface Demo {
  readonly base: string
  readonly keys: Service['keys']
  readonly end: () => Promise<void>
}

/** startDemo starts a program that plays a demo by flags, and returns when it is up. */
export async function startDemo(flags: readonly string[]): Promise<Demo> {
  if (!existsSync(PROGRAM)) throw new Error('no bin/kaskad: run make build first')
  const dir = mkdtempSync(join(tmpdir(), 'kaskad-page-'))
  const address = `127.0.0.1:${await freePort()}`
  const demo = spawn(PROGRAM, ['demo', '--data', dir, '--listen', address, '--auth', 'keys', '--now', NOW,
    '--log-level', 'warn', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => demo.on('exit', () => resolve()))
  const end = async (): Promise<void> => {
    demo.kill('SIGINT')
    await ended
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const keys = await started(demo)
    const all = readFileSync(join(dir, 'admin.key'), 'utf8').trim()
    return { base: `http://${address}`, keys: { ...keys, all }, end }
  } catch (error) {
    await end()
    throw error
  }
}

function startBrowser(): Promise<BrowserServer> {
  const path = process.env['CHROMIUM'] ?? BROWSERS.find((one) => existsSync(one))
  if (!path) throw new Error('no Chromium: apt-get install chromium, or name one in CHROMIUM')
  const root = process.getuid?.() === 0
  return chromium.launchServer({ executablePath: path, args: root ? [...FLAGS, '--no-sandbox'] : FLAGS })
}

/** serve starts a demo by flags and a browser, and gives the demo what it lacks. It returns how to end them. */
export async function serve(project: TestProject, flags: readonly string[],
  prepare: (service: Service) => Promise<void>): Promise<() => Promise<void>> {
  const browser = await startBrowser()
  const demo = await startDemo(flags).catch(async (error: unknown) => {
    await browser.close()
    throw error
  })
  const end = async (): Promise<void> => {
    await browser.close()
    await demo.end()
  }
  const service: Service = { base: demo.base, browser: browser.wsEndpoint(), keys: demo.keys }
  try {
    await prepare(service)
  } catch (error) {
    await end()
    throw error
  }
  project.provide('service', service)
  return end
}

/** setup serves a single day, which is enough for most tests. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return serve(project, ['--days', '1', '--messages', '6000'], tellOfNumbers)
}
