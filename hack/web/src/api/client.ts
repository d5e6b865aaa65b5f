// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { RequestError } from '../state/state'

/** What a browser's fetch is, for tests to replace. */
export type Fetch = (url: URL, init: RequestInit) => Promise<Response>

/** secretHeader carries the half of a login that the page keeps. */
export const secretHeader = 'X-Tilt-Session'

const group = 'tilt.dev/v1alpha1'

/** Body is what a request sends: an object of the API without its group. */
export interface Body {
  kind: string
  metadata?: unknown
  spec?: unknown
  status?: unknown
}

/**
 * Client makes requests to the server that serves the page: the page is at PREFIX/ui/, the API at PREFIX/apis/, for
 * any prefix. Each request rejects with a RequestError, or with the AbortError of its signal.
 */
export class Client {
  /** The half of a login that the page keeps. Undefined where the server wants none. */
  secret: string | undefined
  private readonly api: URL

  constructor(
    private readonly page: URL,
    private readonly fetch: Fetch = (url, init) => globalThis.fetch(url, init),
    /** Called with each answer, for what its headers tell. */
    private readonly heard: (answer: Response) => void = () => {},
  ) {
    this.api = new URL(`../apis/${group}/`, page)
  }

  /** get requests a path of the API, relative to its group and version. */
  get(path: string, signal?: AbortSignal): Promise<Response> {
    return this.send(new URL(path, this.api), { method: 'GET', ...(signal && { signal }) })
  }

  /** write sends an object to a path of the API. */
  write(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: Body): Promise<Response> {
    return this.send(new URL(path, this.api), { method, ...(body && json({ apiVersion: group, ...body })) })
  }

  /** site requests a path beside the page. */
  site(method: 'GET' | 'POST', path: string, body?: unknown, secret = this.secret): Promise<Response> {
    const init = { method, ...(body !== undefined && json(body)) }
    return this.send(new URL(path, this.page), init, secret)
  }

  private async send(url: URL, init: RequestInit, secret = this.secret): Promise<Response> {
    const headers = new Headers(init.headers)
    if (secret) headers.set(secretHeader, secret)
    let answer: Response
    try {
      answer = await this.fetch(url, { ...init, headers, cache: 'no-store', credentials: 'same-origin' })
    } catch (cause) {
      throw failed(cause, init.signal)
    }
    this.heard(answer)
    if (!answer.ok) throw await refused(answer)
    return answer
  }
}

function json(body: unknown): RequestInit {
  return { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
}

/** pageURL is the address that the page's own is relative to: that of its directory. */
export function pageURL(base: string): URL {
  const url = new URL('.', base)
  url.hash = ''
  url.search = ''
  return url
}

/** failed is the error of a request without an answer, or of an answer that broke off. */
export function failed(cause: unknown, signal?: AbortSignal | null): unknown {
  if (signal?.aborted || cause instanceof RequestError) return cause
  return new RequestError(0, 'Unreachable', 'there is no connection')
}

/** refused is the error of an answer, a Status of the API or a plain text. */
export async function refused(answer: Response): Promise<RequestError> {
  const text = await answer.text().catch(() => '')
  try {
    return statusError(JSON.parse(text), answer.status)
  } catch {
    const message = text.trim().slice(0, 500) || answer.statusText || `the server answers ${answer.status}`
    return new RequestError(answer.status, answer.statusText, message)
  }
}

/** statusError is the error that a Status tells. */
export function statusError(status: unknown, code: number): RequestError {
  const told = (status ?? {}) as { message?: unknown; reason?: unknown; code?: unknown; error?: unknown }
  const message = [told.message, told.error].find((text) => typeof text === 'string' && text !== '')
  return new RequestError(
    typeof told.code === 'number' ? told.code : code,
    typeof told.reason === 'string' ? told.reason : '',
    typeof message === 'string' ? message : `the server answers ${code}`,
  )
}
