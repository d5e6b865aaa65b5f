// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// labelList is a label or a list of labels.
type labelList []string

func (l *labelList) Unpack(v starlark.Value) error {
	if err := (*StringList)(l).Unpack(v); err != nil {
		return err
	}
	for _, label := range *l {
		if err := model.ValidateLabel(label); err != nil {
			return err
		}
	}
	return nil
}

// linkList is a link or a list of links, each as a string or as link() returns it.
type linkList []model.Link

func (l *linkList) Unpack(v starlark.Value) error {
	for _, element := range elementsOf(v) {
		switch element := element.(type) {
		case *structure:
			if element.Constructor() == linkName {
				*l = append(*l, model.Link{Name: element.text("name"), URL: element.text("url")})
				continue
			}
		case starlark.String:
			link, err := model.NewLink(string(element), "")
			if err != nil {
				return err
			}
			*l = append(*l, link)
			continue
		}
		return fmt.Errorf("got %s, want string or link", element.Type())
	}
	return nil
}

// limit is a duration within which something must happen.
type limit duration

func (l *limit) Unpack(v starlark.Value) error {
	if err := (*duration)(l).Unpack(v); err != nil {
		return err
	}
	if *l == 0 {
		return errors.New("must be longer than 0s; omit it for no limit")
	}
	return nil
}

// restartPolicy is 'never' or 'on-failure'.
type restartPolicy model.RestartPolicy

func (p *restartPolicy) Unpack(v starlark.Value) error {
	switch v {
	case starlark.String("never"):
		*p = restartPolicy(model.RestartNever)
	case starlark.String("on-failure"):
		*p = restartPolicy(model.RestartOnFailure)
	default:
		return fmt.Errorf("got %s, want 'never' or 'on-failure'", v)
	}
	return nil
}
