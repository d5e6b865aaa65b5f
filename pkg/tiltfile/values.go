// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"tilt.dev/session/pkg/model"
)

// valueLibrary has what makes values and depends on nothing else.
func valueLibrary() library {
	l := functions(map[string]function{
		"blob":        makeBlob,
		"link":        makeLink,
		"module":      starlarkstruct.MakeModule,
		"shlex.quote": quote,
	})
	l["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	return l
}

// blob is text that was read or printed by a command. Unlike a string it has
// no methods: str(b) gives one.
type blob string

var _ starlark.Value = blob("")

// String returns the text itself, so that str(b) does.
func (b blob) String() string        { return string(b) }
func (b blob) Type() string          { return "blob" }
func (b blob) Freeze()               {}
func (b blob) Truth() starlark.Bool  { return b != "" }
func (b blob) Hash() (uint32, error) { return starlark.String(b).Hash() }

// makeBlob is blob(text).
func makeBlob(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var content text
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "input", "text"), "text", &content); err != nil {
		return nil, err
	}
	return blob(content), nil
}

// object is a value of the model that a Tiltfile can hand on and not look
// into.
type object[T any] struct {
	value T
	// text is how the value could be written in a Tiltfile.
	text string
}

var _ starlark.Value = (*object[model.Link])(nil)

func (o *object[T]) String() string        { return o.text }
func (o *object[T]) Freeze()               {}
func (o *object[T]) Truth() starlark.Bool  { return true }
func (o *object[T]) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", o.Type()) }

// Type returns the name of the builtin that makes such a value. It works for a
// nil object too, as the checking of arguments needs.
func (o *object[T]) Type() string {
	switch any(*new(T)).(type) {
	case model.Link:
		return "link"
	case model.Probe:
		return "probe"
	case model.ExecAction:
		return "exec_action"
	case model.HTTPGetAction:
		return "http_get_action"
	case model.TCPSocketAction:
		return "tcp_socket_action"
	}
	return "object"
}

// makeLink is link(url, name=None).
func makeLink(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var address, name string
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "url", &address, "name??", &name); err != nil {
		return nil, err
	}
	link, err := model.NewLink(address, name)
	if err != nil {
		return nil, err
	}
	return &object[model.Link]{link, fmt.Sprintf("link(%q, name=%q)", link.URL, link.Name)}, nil
}
