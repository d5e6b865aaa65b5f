// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// service is a service of a project, and what dc_resource() says of it.
type service struct {
	project *project
	config  types.ServiceConfig
	// oneOff is what the extension of the service says, nil for nothing.
	oneOff *bool

	// name is that of the resource.
	name string
	// image is the reference of the image build, empty for that of the service.
	image        string
	triggerMode  builtins.TriggerMode
	autoInit     bool
	inferLinks   bool
	resourceDeps []string
	links        []model.Link
	labels       []string
}

func newService(p *project, name string) *service {
	return &service{project: p, name: name, triggerMode: builtins.Unset, autoInit: true, inferLinks: true}
}

// define sets the definition of the service.
func (s *service) define(config types.ServiceConfig) error {
	if config.Image != "" {
		if err := checkImage(config.Image); err != nil {
			return err
		}
	}
	oneOff, err := parseExtension(config.Extensions[extensionName])
	if err != nil {
		return fmt.Errorf("service %q: %s: %w", config.Name, extensionName, err)
	}
	s.config, s.oneOff = config, oneOff
	return nil
}

// checkImage returns an error for what isn't the name of an image.
func checkImage(name string) error {
	if _, err := reference.ParseNormalizedNamed(name); err != nil {
		//lint:ignore ST1005 The words that users of Tilt know.
		return fmt.Errorf("Error parsing image name %q: %w", name, err)
	}
	return nil
}

// extensionName is the key of what we read of a service beyond the specification.
const extensionName = "x-tilt"

// parseExtension returns whether a service is a one-off, nil if it doesn't say so.
func parseExtension(value any) (oneOff *bool, err error) {
	if value == nil {
		return nil, nil
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("got %v, want a mapping such as {one_off: true}", value)
	}
	for key, field := range fields {
		flag, ok := field.(bool)
		switch {
		case key != "one_off":
			return nil, fmt.Errorf("unknown key %q: the only key is one_off", key)
		case !ok:
			return nil, fmt.Errorf("one_off: got %v, want true or false", field)
		}
		oneOff = &flag
	}
	return oneOff, nil
}

// references are the names that the image of the service may have in an image build. Tilt expects the last one of an
// image without a name, and Docker Compose makes the one before.
func (s *service) references() []string {
	switch name := s.config.Name; {
	case s.image != "":
		return []string{s.image}
	case s.config.Image != "":
		return []string{s.config.Image}
	default:
		return []string{s.project.Name + "-" + name, s.project.Name + "_" + name}
	}
}

// allLinks are those to published ports, and then those of dc_resource().
func (s *service) allLinks() ([]model.Link, error) {
	if !s.inferLinks {
		return s.links, nil
	}
	var links []model.Link
	for _, port := range s.config.Ports {
		address, ok := addressOf(port)
		if !ok {
			continue
		}
		link, err := model.NewLink("http://"+address+"/", "")
		if err != nil {
			return nil, fmt.Errorf("service %q: port %s: %w", s.config.Name, port.Published, err)
		}
		if !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	return append(links, s.links...), nil
}

// addressOf returns where a port is published, if the file says so: the engine chooses one from a range, or any.
func addressOf(port types.ServicePortConfig) (address string, ok bool) {
	number, err := strconv.Atoi(port.Published)
	if err != nil || model.ValidatePort(number) != nil || port.Protocol != "" && port.Protocol != "tcp" {
		return "", false
	}
	host := port.HostIP
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port.Published), true
}
