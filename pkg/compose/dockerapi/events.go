// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// watched are the actions that change what a Container says. Those of a healthcheck's executions aren't among them.
var watched = []string{
	"create", "start", "restart", "die", "oom", "stop", "kill", "pause", "unpause", "rename", "update", "destroy",
	"health_status",
}

// Events is a stream of the changes of containers. It isn't safe for concurrent use, except for Close.
type Events struct {
	host   string
	body   io.ReadCloser
	decode *json.Decoder
	cancel context.CancelFunc
}

// Events follows the containers with all labels. Changes since a time by the clock of the engine are repeated. The
// caller closes the stream.
func (c *Client) Events(ctx context.Context, since time.Time, labels ...string) (*Events, error) {
	ctx, cancel := context.WithCancel(ctx)
	filters := labelFilter(map[string][]string{"type": {"container"}, "event": watched}, labels)
	query := url.Values{"filters": {filters}, "since": {timestamp(since)}}
	response, err := c.call(ctx, http.MethodGet, "/events", query) //nolint:bodyclose // Close does.
	if err != nil {
		cancel()
		return nil, err
	}
	return &Events{host: c.Host, body: response.Body, decode: json.NewDecoder(response.Body), cancel: cancel}, nil
}

// Next waits for a change and returns the ID of its container.
func (e *Events) Next() (id string, err error) {
	var event struct {
		Actor struct{ ID string }
	}
	for {
		if err := e.decode.Decode(&event); err != nil {
			return "", fmt.Errorf("the events of the docker engine at %s ended: %w", e.host, err)
		}
		if event.Actor.ID != "" {
			return event.Actor.ID, nil
		}
	}
}

// Close ends the stream.
func (e *Events) Close() {
	e.cancel()
	_ = e.body.Close() // It was only read.
}

// timestamp is a time as the engine takes it.
func timestamp(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + fmt.Sprintf(".%09d", t.Nanosecond())
}
