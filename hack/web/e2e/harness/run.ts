// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'

/** Run is a process that leads a process group of its own. It and its group are ended when the test ends. */
export interface Run {
  /** What it has printed so far, on both of its outputs. */
  output(): string
  /** Its exit code, 128 and the signal's number if a signal ended it. */
  exited: Promise<number>
  signal(name: NodeJS.Signals): void
  /** Ends it by SIGTERM and returns its exit code. */
  stop(): Promise<number>
  pid: number
}

export interface Environment {
  cwd?: string
  env?: Record<string, string>
}

/** start starts a program. */
export function start(argv: string[], { cwd, env }: Environment = {}): Run {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    cwd,
    env: env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const collect = (chunk: Buffer) => {
    text += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)))
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`start ${argv.join(' ')}`)
  let ended = false
  void exited.finally(() => {
    ended = true
  })
  const run: Run = {
    pid,
    output: () => text,
    exited,
    signal: (name) => {
      if (!ended) process.kill(pid, name)
    },
    stop: async () => {
      run.signal('SIGTERM')
      const kill = setTimeout(() => killGroup(pid), 20_000)
      try {
        return await exited
      } finally {
        clearTimeout(kill)
        killGroup(pid)
      }
    },
  }
  onTestFinished(async () => {
    await run.stop()
  })
  return run
}

/** killGroup ends what is left of a process group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** exec runs a program to its end and returns what it has printed. It fails if the program fails. */
export async function exec(argv: string[], environment: Environment = {}): Promise<string> {
  const run = start(argv, environment)
  const code = await run.exited
  if (code !== 0) throw new Error(`${argv.join(' ')} has ended with ${code}:\n${run.output()}`)
  return run.output()
}

/** eventually repeats an attempt until it returns something else than undefined or false, or time is up. */
export async function eventually<T>(
  what: string,
  attempt: () => T | Promise<T>,
  seconds = 30,
): Promise<Exclude<T, undefined | false | null>> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const result = await attempt()
    if (result !== undefined && result !== false && result !== null) {
      return result as Exclude<T, undefined | false | null>
    }
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
