// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Environment, eventually, exec, type Run, start } from './run'

export const repository = resolve(import.meta.dirname, '../../../..')
export const binary = process.env.BIN ? resolve(process.env.BIN) : join(repository, 'bin/tilt-session')

/** World is a user with a home and a project, who has used nothing before. */
export interface World {
  directory: string
  environment: Required<Environment>
  /** Writes a file below the directory and returns its path. */
  write(name: string, text: string): string
  /** Runs tilt-session to its end. */
  tilt(...args: string[]): Promise<string>
}

/** world creates a World, which goes with the test. */
export function world(): World {
  const directory = mkdtempSync(join(tmpdir(), 'tilt-session-web-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(TILT_|XDG_|KUBECONFIG|CI$|NO_COLOR|FORCE_COLOR)/.test(name)) env[name] = value
  }
  Object.assign(env, {
    HOME: directory,
    KUBECONFIG: join(directory, 'no-cluster'),
    GOCACHE: process.env.GOCACHE ?? join(process.env.HOME ?? '', '.cache/go-build'),
    GOMODCACHE: process.env.GOMODCACHE ?? join(process.env.HOME ?? '', 'go/pkg/mod'),
  })
  const environment = { cwd: directory, env }
  return {
    directory,
    environment,
    write: (name, text) => {
      const path = join(directory, name)
      writeFileSync(path, text)
      return path
    },
    tilt: (...args) => exec([binary, ...args], environment),
  }
}

/** Server is a tilt-session that serves its API and the page. */
export interface Server {
  run: Run
  world: World
  port: number
  /** The address of the page without a login. */
  page: string
  /** Runs a command of tilt-session for this server. */
  tilt(...args: string[]): Promise<string>
  /** The address of the page with a new code, and what ui is called with. */
  login(...args: string[]): Promise<string>
}

/** up keeps the Tiltfile's resources running. */
export function up(user: World, tiltfile: string, ...args: string[]): Promise<Server> {
  return run(user, 'up', tiltfile, ...args)
}

/** ci runs the Tiltfile to its verdict. */
export function ci(user: World, tiltfile: string, ...args: string[]): Promise<Server> {
  return run(user, 'ci', tiltfile, ...args)
}

function run(user: World, verb: string, tiltfile: string, ...args: string[]): Promise<Server> {
  const file = tiltfile.includes('\n') ? user.write('Tiltfile', tiltfile) : tiltfile
  const stream = verb === 'up' ? ['--stream'] : []
  return serving(user, start([binary, verb, ...stream, '--port', '0', '-f', file, ...args], user.environment))
}

/** serve serves any number of Sessions, on the port of a former server if one is given. */
export function serve(user: World, port = 0, ...args: string[]): Promise<Server> {
  const argv = [binary, 'serve', '--secure-port', String(port), '--data-dir', join(user.directory, 'state'), ...args]
  return serving(user, start(argv, user.environment))
}

async function serving(user: World, started: Run): Promise<Server> {
  let ended: number | undefined
  void started.exited.then((code) => {
    ended = code
  })
  const port = await eventually('the server says where it is', () => {
    if (ended !== undefined) throw new Error(`the server has ended with ${ended}:\n${started.output()}`)
    return /serves sessions\.tilt\.dev on https:\/\/[^ ]*:(\d+)/.exec(started.output())?.[1]
  })
  const environment = { ...user.environment, env: { ...user.environment.env, TILT_PORT: port } }
  const tilt = (...args: string[]) => exec([binary, ...args], environment)
  return {
    run: started,
    world: user,
    port: Number(port),
    page: `http://127.0.0.1:${port}/ui/`,
    tilt,
    login: async (...args) => address(await tilt('ui', '--print-url', ...args)),
  }
}

/** address is the one of the page in what a command has printed. */
export function address(output: string): string {
  const found = /https?:\/\/\S+/.exec(output)?.[0]
  if (!found) throw new Error(`no address in ${output}`)
  return found
}

/** freePort is a port that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer().once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const bound = probe.address()
      probe.close(() => (bound && typeof bound === 'object' ? done(bound.port) : fail(new Error('no port'))))
    })
  })
}

/** session is a Session for "create -f". */
export function session(name: string, tiltfilePath: string, exitCondition = 'manual', args: string[] = []): string {
  return JSON.stringify({
    apiVersion: 'tilt.dev/v1alpha1',
    kind: 'Session',
    metadata: { name },
    spec: { tiltfilePath, exitCondition, args },
  })
}
