// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
)

// configFile is next to the Tiltfile that calls config.parse() and has values
// of settings.
const configFile = "tilt_config.json"

// parseConfig is config.parse(): a dict of the settings that have a value, from
// the arguments or else from the configuration file.
func (e *evaluation) parseConfig(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs); err != nil {
		return nil, err
	}
	dir := e.directory()
	if before := e.config.parsedIn; before != "" && before != dir {
		return nil, fmt.Errorf("config.parse can only be called from one Tiltfile working directory per run. "+
			"It was called from %s and %s", before, dir)
	}
	e.config.parsedIn = dir
	configured, err := e.configuredValues(filepath.Join(dir, configFile))
	if err != nil {
		return nil, fmt.Errorf("invalid Tiltfile config args: %w", err)
	}
	given, err := e.givenValues()
	if err != nil {
		return nil, fmt.Errorf("invalid Tiltfile config args: %w", err)
	}
	dict := starlark.NewDict(len(e.config.settings))
	for _, s := range e.config.settings {
		value := given[s.name]
		if value == nil {
			value = configured[s.name]
		}
		if value == nil {
			continue
		}
		if err := dict.SetKey(starlark.String(s.name), value); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// configuredValues returns the settings of the configuration file, which
// becomes an input even if there's none.
func (e *evaluation) configuredValues(path string) (map[string]starlark.Value, error) {
	content, err := e.readContent(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var decoded any
	if err := unmarshalJSON(json.NewDecoder(contextReader{e.ctx, bytes.NewReader(content)}), content, &decoded); err != nil {
		return nil, fmt.Errorf("error parsing JSON from %s: %w", path, err)
	}
	data, ok := decoded.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("error parsing JSON from %s: expected object, found %s", path, jsonType(decoded))
	}
	values := map[string]starlark.Value{}
	for _, name := range slices.Sorted(maps.Keys(data)) {
		i := slices.IndexFunc(e.config.settings, func(s *setting) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s specified unknown setting name '%s'", path, name)
		}
		if values[name], err = e.config.settings[i].ofData(data[name]); err != nil {
			return nil, fmt.Errorf("%s specified invalid value for setting %s: %w", path, name, err)
		}
	}
	return values, nil
}

// givenValues returns the settings of the arguments.
func (e *evaluation) givenValues() (map[string]starlark.Value, error) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	flags.Usage = func() {}
	values := map[string]*settingValue{}
	var positional *settingValue
	for _, s := range e.config.settings {
		value := &settingValue{setting: s}
		values[s.name] = value
		if s.positional {
			positional = value
			continue
		}
		flag := flags.VarPF(value, s.name, "", s.usage)
		if s.kind == settingBool {
			flag.NoOptDefVal = "true"
		}
	}
	if err := flags.Parse(e.args); err != nil {
		e.logUsage(flags)
		if errors.Is(err, pflag.ErrHelp) {
			err = errors.New("help was requested")
		}
		return nil, err
	}
	if rest := flags.Args(); positional == nil && len(rest) > 0 {
		return nil, fmt.Errorf("positional args (%s) were given, but none were expected: no setting is defined with args=True", quoted(rest))
	}
	for _, arg := range flags.Args() {
		if err := positional.Set(arg); err != nil {
			return nil, fmt.Errorf("invalid positional arg %q for setting %s: %w", arg, positional.name, err)
		}
	}
	given := map[string]starlark.Value{}
	for name, value := range values {
		given[name] = value.value
	}
	return given, nil
}

// logUsage tells which settings can be given.
func (e *evaluation) logUsage(flags *pflag.FlagSet) {
	lines := []string{"Usage:"}
	for line := range strings.Lines(flags.FlagUsages()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	for _, s := range e.config.settings {
		if s.positional {
			lines = append(lines, strings.TrimRight(fmt.Sprintf("      %s...   %s", s.name, s.usage), " "))
		}
	}
	e.log(logs.LevelInfo, strings.Join(lines, "\n"))
}

// quoted lists words in quotes.
func quoted(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = fmt.Sprintf("%q", word)
	}
	return strings.Join(all, ", ")
}
