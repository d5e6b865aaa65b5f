// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzConfig parses any arguments and any configuration file.
func FuzzConfig(f *testing.F) {
	f.Add("--a b --l=1 --l 2 --flag --o {} x y", `{"a": "b"}`)
	f.Add("--flag=false -- -x --", `{"l": [], "o": {"a": [1]}, "flag": null, "rest": ["x"]}`)
	f.Add("-h", `[`)
	f.Add("--=x --a= -a", `{"nope": 1}`)
	f.Add("--o [1 ---- -ab=c", `{"o": 1e999}`)
	f.Fuzz(func(t *testing.T, args, file string) {
		options := tiltfile(t, `
config.define_string('a', usage='the `+"`a`"+`')
config.define_string_list('l')
config.define_bool('flag')
config.define_object('o')
config.define_string_list('rest', args=True)
cfg = config.parse()
for name, kind in {'a': 'string', 'l': 'list', 'flag': 'bool', 'rest': 'list'}.items():
    if name in cfg and type(cfg[name]) != kind:
        fail('%s is a %s' % (name, type(cfg[name])))
local_resource('a', 'x')
`)
		options.Args = strings.Split(args, " ")
		if err := os.WriteFile(filepath.Join(filepath.Dir(options.Path), "tilt_config.json"), []byte(file), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), options)
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || !strings.Contains(failure.Text, "invalid Tiltfile config args: ")) {
			t.Fatalf("got error %v, want one of config.parse", err)
		}
	})
}
