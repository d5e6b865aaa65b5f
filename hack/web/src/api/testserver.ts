// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** Handler answers a request of a test, whose path is relative to the group and version of the API. */
export type Handler = (path: URL, response: ServerResponse, request: IncomingMessage) => void

/** TestServer is a server on loopback with a page at PREFIX/ui/ and an API at PREFIX/apis/. */
export class TestServer {
  /** The requests that aren't answered to their end. */
  readonly open = new Set<IncomingMessage>()
  readonly paths: string[] = []
  private readonly sockets = new Set<Socket>()
  private waiting: (() => void)[] = []

  private constructor(
    private readonly server: Server,
    readonly page: URL,
  ) {}

  static async start(handler: Handler, prefix = ''): Promise<TestServer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const page = new URL(`http://127.0.0.1:${port}${prefix}/ui/`)
    const started = new TestServer(server, page)
    const api = `${prefix}/apis/tilt.dev/v1alpha1/`
    server.on('connection', (socket) => {
      started.sockets.add(socket)
      socket.on('close', () => started.sockets.delete(socket))
    })
    server.on('request', (request, response) => {
      const url = new URL(request.url ?? '/', page)
      const path = url.pathname.startsWith(api) ? url.pathname.slice(api.length) : url.pathname
      started.paths.push(path + url.search)
      started.open.add(request)
      response.on('close', () => {
        started.open.delete(request)
        started.told()
      })
      handler(new URL(path + url.search, 'http://api/'), response, request)
      started.told()
    })
    return started
  }

  /** until resolves when a condition holds, which is asked for at each request and its end. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve))
  }

  /** cut breaks all connections off. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private told(): void {
    for (const wake of this.waiting.splice(0)) wake()
  }
}

/** line sends an object as a line of JSON. */
export function line(response: ServerResponse, object: unknown): void {
  response.write(`${JSON.stringify(object)}\n`)
}

/** answer sends an object, or a Status with that code. */
export function answer(response: ServerResponse, object: unknown, code = 200): void {
  response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(object))
}

/** Collected are values that a test waits for. */
export class Collected<T> {
  readonly all: T[] = []
  private waiting: (() => void)[] = []

  add(value: T): void {
    this.all.push(value)
    for (const wake of this.waiting.splice(0)) wake()
  }

  async until(condition: (all: T[]) => boolean): Promise<T[]> {
    while (!condition(this.all)) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return this.all
  }
}
