// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

const (
	sessionsPath = "/apis/tilt.dev/v1alpha1/sessions"

	contentJSON  = "application/json"
	contentMerge = "application/merge-patch+json"
	contentApply = "application/apply-patch+yaml"
)

// client has an HTTP/2 connection of its own, as a program has. It sends the
// same requests to each server and doesn't decode answers, so that the server
// is measured and not the client. It must be used by one goroutine at a time;
// open alone may be used by several.
type client struct {
	transport *http.Transport
	url       string
	token     string
	buffer    bytes.Buffer
}

func newClient(config *rest.Config) (*client, error) {
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, err
	}
	return &client{
		transport: &http.Transport{TLSClientConfig: tls, ForceAttemptHTTP2: true, DisableCompression: true},
		url:       config.Host, token: config.BearerToken,
	}, nil
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// open sends a request and returns the body of the answer, which the caller
// closes. An answer that isn't a success is an error.
func (c *client) open(ctx context.Context, method, path, contentType string, body []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", contentJSON)
	request.Header.Set("User-Agent", "bench")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode >= http.StatusMultipleChoices:
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, reason(response.Body))
	case response.ProtoMajor != 2:
		err = fmt.Errorf("%s %s: answered over %s", method, path, response.Proto)
	default:
		return response.Body, nil
	}
	_ = response.Body.Close()
	return nil, err
}

// reason is the message of an answer that isn't a success, or what else it is.
func reason(answer io.Reader) string {
	text, err := io.ReadAll(io.LimitReader(answer, 10<<10))
	if err != nil {
		return err.Error()
	}
	var status metav1.Status
	if err := json.Unmarshal(text, &status); err != nil || status.Message == "" {
		return string(bytes.TrimSpace(text))
	}
	return status.Message
}

// do sends a request and returns the whole answer, which is valid until the
// next call.
func (c *client) do(ctx context.Context, method, path, contentType string, body []byte) ([]byte, error) {
	answer, err := c.open(ctx, method, path, contentType, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }()
	c.buffer.Reset()
	if _, err := c.buffer.ReadFrom(answer); err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return c.buffer.Bytes(), nil
}
