// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
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

	"tilt.dev/session/pkg/tiltfile/data"
)

// fileName is the name of the file with values of settings.
const fileName = "tilt_config.json"

// parse is config.parse(): a dict of the settings that have a value.
func (c *Config) parse(struct{}) (starlark.Value, error) {
	scope, dir := c.scope(), c.evaluation.Directory()
	if before := scope.parsedIn; before != "" && before != dir {
		return nil, fmt.Errorf("config.parse can only be called from one Tiltfile working directory per run. "+
			"It was called from %s and %s", before, dir)
	}
	scope.parsedIn = dir
	values, err := c.readFile(filepath.Join(dir, fileName))
	if err == nil {
		err = c.parseArgs()
	}
	if err != nil {
		return nil, fmt.Errorf("invalid Tiltfile config args: %w", err)
	}
	dict := starlark.NewDict(len(scope.settings))
	for _, s := range scope.settings {
		value := s.value
		if value == nil {
			value = values[s.Name]
		}
		if value == nil {
			continue
		}
		if err := dict.SetKey(starlark.String(s.Name), value); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

// readFile returns the values in the configuration file, which becomes an input even if it is missing.
func (c *Config) readFile(path string) (map[string]starlark.Value, error) {
	values := map[string]starlark.Value{}
	content, err := c.evaluation.ReadData(path)
	if errors.Is(err, fs.ErrNotExist) {
		return values, nil
	}
	if err != nil {
		return nil, err
	}
	decoded, err := data.UnmarshalJSON(content)
	object, ok := decoded.(map[string]any)
	if err == nil && !ok {
		err = fmt.Errorf("expected object, found %s", typeOf(decoded))
	}
	if err != nil {
		return nil, fmt.Errorf("error parsing JSON from %s: %w", path, err)
	}
	settings := c.scope().settings
	for _, name := range slices.Sorted(maps.Keys(object)) {
		i := slices.IndexFunc(settings, func(s *setting) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s specified unknown setting name '%s'", path, name)
		}
		if values[name], err = settings[i].fromJSON(object[name]); err != nil {
			return nil, fmt.Errorf("%s specified invalid value for setting %s: %w", path, name, err)
		}
	}
	return values, nil
}

// parseArgs sets the values of the settings that the arguments have.
func (c *Config) parseArgs() error {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	flags.Usage = func() {}
	var positional *setting
	for _, s := range c.scope().settings {
		s.value = nil
		if s.Positional {
			positional = s
			continue
		}
		flag := flags.VarPF(s, s.Name, "", s.Usage)
		if s.kind == kindBool {
			flag.NoOptDefVal = "true"
		}
	}
	if err := flags.Parse(c.evaluation.Scope.Args); err != nil {
		c.logUsage(flags, positional)
		if errors.Is(err, pflag.ErrHelp) {
			err = errors.New("help was requested")
		}
		return err
	}
	if rest := flags.Args(); positional == nil && len(rest) > 0 {
		return fmt.Errorf("positional args %q were given, but no setting is defined with args=True", rest)
	}
	for _, arg := range flags.Args() {
		if err := positional.Set(arg); err != nil {
			return fmt.Errorf("invalid positional arg %q for setting %s: %w", arg, positional.Name, err)
		}
	}
	return nil
}

// logUsage logs which settings can be given.
func (c *Config) logUsage(flags *pflag.FlagSet, positional *setting) {
	lines := []string{"Usage:"}
	for line := range strings.Lines(flags.FlagUsages()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	if positional != nil {
		line := fmt.Sprintf("      %s...   %s", positional.Name, positional.Usage)
		lines = append(lines, strings.TrimRight(line, " "))
	}
	c.evaluation.Info(strings.Join(lines, "\n"))
}
