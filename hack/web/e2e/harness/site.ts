// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { createServer, type IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'

/** Site is a web server of somebody else on the same machine. */
export interface Site {
  port: number
  /** The requests that it had. */
  requests: IncomingMessage[]
  /** An address of it, as http://HOST:PORT/PATH. */
  at(path: string, host?: string): string
}

/** site serves pages by their paths, with more headers if given. It ends with the test. */
export async function site(pages: Record<string, string>, headers: Record<string, string> = {}): Promise<Site> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    const page = pages[request.url ?? '']
    response.writeHead(page === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8', ...headers })
    response.end(page ?? '')
  })
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(0, '127.0.0.1', done)
  })
  onTestFinished(
    () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  )
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return { port, requests, at: (path, host = '127.0.0.1') => `http://${host}:${port}${path}` }
}
