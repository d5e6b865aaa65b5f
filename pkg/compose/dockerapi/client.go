// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dockerapi is a client of the Docker Engine API, of those few calls that follow, stop and remove the
// containers of Compose services. It decodes only what these need: no environment and no command of a container, which
// may hold secrets.
//
// Paths have no version, so every engine answers as its default version does. All fields that are decoded are there
// since version 1.24. Podman serves the same API.
package dockerapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// timeout is how long a call may take, except for streams and for stopping a container.
const timeout = 30 * time.Second

// Client calls one engine. It is safe for concurrent use. The caller closes it.
type Client struct {
	// Host is the engine as DOCKER_HOST names it.
	Host string
	http http.Client
}

// Error is an answer that says what is wrong.
type Error struct {
	// Status is that of HTTP.
	Status int
	// Message is the engine's own text.
	Message string
}

func (e *Error) Error() string { return e.Message }

// IsNotFound reports whether an error means that a container or network doesn't exist.
func IsNotFound(err error) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.Status == http.StatusNotFound
}

// IsAnswer reports whether an error comes from the engine itself. Otherwise it couldn't be reached.
func IsAnswer(err error) bool { return errors.As(err, new(*Error)) }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call does a request and returns its answer, whose body the caller closes.
func (c *Client) call(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	address := url.URL{Scheme: "http", Host: "docker", Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, address.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // Its text has the made-up name of the host.
			err = wrapped.Err
		}
		if ended := TunnelError(""); errors.As(err, &ended) { // Those of net/http around it depend on the moment.
			err = ended
		}
		return nil, fmt.Errorf("docker engine at %s can't be reached: %w", c.Host, err)
	}
	if response.StatusCode < http.StatusBadRequest {
		return response, nil
	}
	defer response.Body.Close()
	return nil, answerError(response)
}

// longestMessage is how much of an error is read.
const longestMessage = 4 << 10

func answerError(response *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, longestMessage)) // The status says enough.
	var answer struct{ Message string }
	if json.Unmarshal(body, &answer) != nil || answer.Message == "" {
		answer.Message = string(bytes.TrimSpace(body))
	}
	if answer.Message == "" {
		answer.Message = "the docker engine answered " + response.Status
	}
	return &Error{Status: response.StatusCode, Message: answer.Message}
}

// get decodes the answer to a GET.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := c.call(ctx, http.MethodGet, path, query)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("read the answer of the docker engine at %s to %s: %w", c.Host, path, err)
	}
	return nil
}

// do does a request whose answer doesn't matter.
func (c *Client) do(ctx context.Context, method, path string, query url.Values) error {
	response, err := c.call(ctx, method, path, query)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Now returns the time by the clock of the engine, in whole seconds. It serves as a check that the engine answers.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := c.call(ctx, http.MethodGet, "/_ping", nil)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	now, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Now().Truncate(time.Second), nil // A proxy dropped it; clocks are mostly right.
	}
	return now, nil
}

// labelFilter selects what has all labels, each "KEY=value".
func labelFilter(more map[string][]string, labels []string) string {
	filters := map[string][]string{"label": labels}
	for key, values := range more {
		filters[key] = values
	}
	text, _ := json.Marshal(filters) //nolint:errchkjson // Strings are always encoded.
	return string(text)
}

// Network is a network.
type Network struct {
	ID   string `json:"Id"`
	Name string
}

// Networks lists the networks with all labels.
func (c *Client) Networks(ctx context.Context, labels ...string) (list []Network, err error) {
	err = c.get(ctx, "/networks", url.Values{"filters": {labelFilter(nil, labels)}}, &list)
	return list, err
}

// RemoveNetwork removes a network that no container uses. One that is gone is no error.
func (c *Client) RemoveNetwork(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := c.do(ctx, http.MethodDelete, "/networks/"+id, nil)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// trimName removes the slash with which names of containers begin.
func trimName(name string) string { return strings.TrimPrefix(name, "/") }
